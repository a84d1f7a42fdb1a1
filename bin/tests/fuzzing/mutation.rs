use fastrand::Rng;

/// No input grows beyond this.
const LONGEST: usize = 4_096;

/// An input of the corpus after one to four changes.
pub(super) fn mutated(rng: &mut Rng, corpus: &[&[u8]], words: &[&str]) -> Vec<u8> {
    let mut input = corpus[rng.usize(..corpus.len())].to_vec();
    for _ in 0..rng.usize(1..=4) {
        change(rng, &mut input, corpus, words);
    }
    input.truncate(LONGEST);
    input
}

fn change(rng: &mut Rng, input: &mut Vec<u8>, corpus: &[&[u8]], words: &[&str]) {
    let at = rng.usize(..=input.len());
    let to = rng.usize(at..=input.len().min(at + 16));
    match rng.u8(..10) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << rng.u8(..8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = rng.u8(..);
            }
        }
        2 => input.truncate(at),
        3 => drop(input.drain(at..to)),
        4 => {
            let again = input[at..to].to_vec();
            input.splice(at..at, again);
        }
        5 => {
            let other = corpus[rng.usize(..corpus.len())];
            input.truncate(at);
            input.extend_from_slice(&other[rng.usize(..=other.len())..]);
        }
        6 => {
            let letter = rng.char(..).to_string();
            input.splice(at..at, letter.into_bytes());
        }
        7 => drop(input.splice(at..to, words[rng.usize(..words.len())].bytes())),
        _ => drop(input.splice(at..at, words[rng.usize(..words.len())].bytes())),
    }
}
