//! One seed: a portal, rounds of people, faults and kills, then quiet, and the oracle's verdict.

use super::oracle::{self, Shown};
use super::people::{self, LocalEdits};
use super::world::{OBJECTS, World, paused, stopped};
use fastrand::Rng;
use mappings::Mapping;
use simulator::{Cleared, DataSize, FaultKind, Faults, Lag, LimitBody, MergeId, MergedRead, Storm, Switches, Tier};
use std::time::Duration;
use sync_core::{Lanes, PullSettings, Via};
use tokio::time::sleep;

/// An index that never lags longer is caught by the settled pass.
pub(super) const LAG_THAT_SETTLES: Duration = Duration::from_secs(50 * 60);

/// Enough for a sweep to fall due within two hundred runs.
pub(super) const BETWEEN_QUIET_RUNS: Duration = Duration::from_secs(10 * 60);

/// Runs one seed to its end. Returns what it left behind as numbers: the trace, and the mirror's contents.
pub(super) fn run(seed: u64) -> Result<(u64, u64), String> {
    paused(async {
        let mut dice = Rng::with_seed(seed);
        let mut world = World::new(settings(seed, &mut dice));
        world.stays_in_place = true;
        if dice.bool() {
            // Sweeps that take several runs.
            world.pulling.sweep_slice = Duration::from_millis(dice.u64(..3_000));
        }
        sweep_often(seed, &mut world);
        world.pulling.lanes = lanes(&mut dice);
        if dice.bool() {
            world.mappings = slim();
        }
        let mut edits = LocalEdits::new();
        let (mut hurry, mut shown) = (in_a_hurry(seed), Shown::default());
        for _ in 0..dice.usize(2..6) {
            if dice.u8(..5) == 0 {
                world.mappings[0] = contacts_mapping(dice.bool());
            }
            if let Some(dice) = &mut hurry {
                people::changes_much(&world, dice).await;
            }
            round(&world, &mut dice, &mut edits, &mut shown, hurry.is_some()).await?;
            oracle::nothing_is_stale(&world)?;
            oracle::what_is_missing_is_gone(&world)?;
            oracle::what_is_current_is_so(&world)?;
            people::analyst(&world, &mut dice, &mut edits);
            sleep(Duration::from_secs(dice.u64(1..7_200))).await;
        }
        quiet(&mut world).await?;
        oracle::mirror_equals_portal(&world, &edits)?;
        oracle::local_edits_are_kept(&world, &edits)?;
        idle(&world).await?;
        oracle::the_token_is_nowhere(&world)?;
        Ok((world.trace(), world.contents()))
    })
}

/// In half of the seeds sweeps are due while people still work and things go wrong, not only once it is quiet.
pub(super) fn sweep_often(seed: u64, world: &mut World) {
    let mut dice = Rng::with_seed(seed ^ 0x0005_3ee9);
    if dice.bool() {
        world.pulling.sweep_every = Duration::from_secs(60 * dice.u64(1..120));
    }
}

/// In a quarter of the seeds people do within seconds what others do in minutes: in the middle of every walk, and the
/// walks are long. These are the dice for it.
pub(super) fn in_a_hurry(seed: u64) -> Option<Rng> {
    let mut dice = Rng::with_seed(seed ^ 0x0004_a57e);
    (dice.u8(..4) == 0).then_some(dice)
}

/// Where a run is killed, if it gets there: most have one to three hundred steps.
pub(super) fn a_step(dice: &mut Rng) -> usize {
    let within = [60, 200, 400][dice.usize(..3)];
    dice.usize(1..within)
}

/// One of two mappings of contacts: a person changes it from time to time.
fn contacts_mapping(slim: bool) -> Mapping {
    let yaml = "object: contacts\nkey: email\nfields:\n  email: mail\n  firstname: first_name\n  city: city\n  \
                lastname: family_name\n  jobtitle: { column: job, transform: { lowercase: true } }\nassociations:\n  \
                companies: {}\n";
    if slim { Mapping::parse("contacts.yaml", yaml).unwrap() } else { Mapping::built_in("contacts").unwrap() }
}

/// One run of the engine while people work in the CRM; one in three is killed somewhere.
async fn round(
    world: &World,
    dice: &mut Rng,
    edits: &mut LocalEdits,
    shown: &mut Shown,
    in_a_hurry: bool,
) -> Result<(), String> {
    let kill = (dice.u8(..3) == 0).then(|| a_step(dice));
    let (count, span) = (dice.usize(..40), Duration::from_secs(dice.u64(1..900)));
    let span = if in_a_hurry { span / 100 } else { span };
    let mut theirs = dice.fork();
    let users = people::crm_users(world, &mut theirs, count, span);
    shown.look(world);
    let (outcome, ()) = tokio::join!(world.pull(kill), users);
    if let Ok(report) = &outcome {
        shown.is_here(world, report)?;
    }
    people::analyst(world, dice, edits);
    // With faults about, a run may give up; it may not end with a defect.
    match outcome {
        Ok(report) => report.errors().try_for_each(acceptable),
        Err(error) => acceptable(&error),
    }
}

pub(super) fn acceptable(error: &sync_core::RunError) -> Result<(), String> {
    use sync_core::RemoteErrorKind as Kind;
    match error {
        error if stopped(error) => Ok(()),
        // Too many batches failed: the next run goes on.
        sync_core::RunError::Storm(_) => Ok(()),
        // Everything that was active is gone: it may be, among so few records.
        sync_core::RunError::Belt(why) if why.starts_with("no read returns all") => Ok(()),
        sync_core::RunError::Remote(error) => match error.kind {
            Kind::Refused | Kind::NotFound | Kind::Unreadable => Err(format!("a defect: {error}")),
            _ => Ok(()),
        },
        error => Err(format!("a defect: {error}")),
    }
}

/// Faults end, the index settles, and the engine runs until it has seen everything.
async fn quiet(world: &mut World) -> Result<(), String> {
    world.rehearsal.portal().set_faults(Faults::none());
    // Whatever has vanished is right to have vanished, here.
    world.pulling.allow_vanished = Some(u64::MAX);
    // Pages of three records in slices without any time would take hundreds of runs.
    world.pulling.sweep_slice = PullSettings::default().sweep_slice;
    for _ in 0..2 {
        sleep(Duration::from_secs(26 * 3_600)).await;
        let due = world.rehearsal.now();
        for _ in 0..200 {
            world.pull_well().await?;
            if world.swept_since(due) {
                break;
            }
            // A backfill that only now came to its end may put the sweep off for hours.
            sleep(BETWEEN_QUIET_RUNS).await;
        }
        if !world.swept_since(due) {
            return Err("two hundred runs did not end a sweep".to_owned());
        }
    }
    Ok(())
}

/// Two more runs, with nothing going on: no row may change.
async fn idle(world: &World) -> Result<(), String> {
    let before = world.contents();
    for _ in 0..2 {
        sleep(Duration::from_secs(4 * 3_600)).await;
        let totals = world.pull_well().await?.totals();
        if (totals.inserted, totals.changed, totals.archived) != (0, 0, 0) || world.contents() != before {
            return Err(format!("an idle run changed the mirror: {totals:?}"));
        }
    }
    let writes = world.rehearsal.portal().calls().writes;
    if writes == 0 { Ok(()) } else { Err(format!("pulling wrote to the portal {writes} times")) }
}

/// Half of the seeds walk lists of any length in ranges, so small that they are cut again and again.
fn lanes(dice: &mut Rng) -> Lanes {
    if dice.bool() {
        return Lanes::default();
    }
    Lanes {
        via: [Via::Auto, Via::List, Via::Search][dice.usize(..3)],
        worth_dividing: dice.u64(..60),
        smallest_range: dice.u64(1..30),
        list_cursors: dice.u32(1..6),
        search_cursors: dice.u32(1..4),
        worth_searching: Duration::ZERO,
    }
}

/// Mappings of so few properties that a search has room for them.
fn slim() -> Vec<Mapping> {
    let few = OBJECTS.map(|object| {
        let fields: String = people::written(object).iter().map(|name| format!("  {name}: {name}\n")).collect();
        let companies = if object == "contacts" { "associations: { companies: {} }\n" } else { "" };
        let text = format!("object: {object}\ntable: {object}\nunmapped: ignore\n{companies}fields:\n{fields}");
        Mapping::parse("slim.yaml", &text).unwrap()
    });
    few.to_vec()
}

pub(super) fn settings(seed: u64, dice: &mut Rng) -> simulator::Settings {
    let data = DataSize {
        contacts: dice.usize(..140),
        companies: dice.usize(..40),
        deals: dice.usize(..40),
        tickets: dice.usize(..20),
        archived_per_mille: 60,
        merged_per_mille: 20,
        odd_per_mille: 80,
        extra_properties: [0, 0, 0, 300][dice.usize(..4)],
        ..DataSize::none()
    };
    // What comes later than the settled pass trails is found by nothing but a sweep.
    let longest_lag = [LAG_THAT_SETTLES, LAG_THAT_SETTLES, Duration::from_secs(3 * 3_600)][dice.usize(..3)];
    let switches = Switches {
        lag: Lag { tail_rate: 0.05, tail_max: longest_lag, ..Lag::default() },
        merged_read: [MergedRead::Winner, MergedRead::Omitted, MergedRead::NotFound][dice.usize(..3)],
        merge_id: [MergeId::New, MergeId::KeepPrimary][dice.usize(..2)],
        cleared: [Cleared::Empty, Cleared::Null][dice.usize(..2)],
        search_limit_body: [LimitBody::Wire, LimitBody::Documented][dice.usize(..2)],
        no_op_bumps: dice.bool(),
        unstable_ties: dice.bool(),
        associations_multi_status: dice.bool(),
        records_page: [3, 25, usize::MAX, usize::MAX][dice.usize(..4)],
        associations_page: [3, 500][dice.usize(..2)],
        bare_search_errors: dice.bool(),
        archive_bumps: dice.bool(),
        restore_bumps: dice.u8(..4) > 0,
        recalculation_bumps: dice.bool(),
        removal_body: dice.bool(),
        ..Switches::default()
    };
    simulator::Settings {
        seed,
        tier: [Tier::Free, Tier::Professional, Tier::Enterprise, Tier::OauthPublic][dice.usize(..4)],
        latency: Duration::from_millis(dice.u64(..400)),
        faults: scaled(seed, dice.usize(..6)),
        switches,
        data,
        ..simulator::Settings::default()
    }
}

/// The default profile: how often each fault comes, times 0 to 5; in one of twenty seeds a storm as well.
fn scaled(seed: u64, times: usize) -> Faults {
    let rate = |percent: f64| percent / 100.0 * times as f64;
    let storm =
        Storm { from_ms: 40 * 60_000, for_ms: 10 * 60_000, kind: FaultKind::Edge { status: 503, empty: false } };
    Faults {
        seed,
        limited_ten_secondly: rate(1.2),
        limited_secondly: rate(0.8),
        locked: rate(0.3),
        edge: rate(1.5),
        edge_after: rate(0.5),
        unauthorized: rate(0.3),
        forbidden: rate(0.05),
        timeout_before: rate(1.0),
        timeout_after: rate(1.0),
        timeout_late: rate(0.3),
        reset: rate(0.5),
        cut: rate(0.25),
        invalid_json: rate(0.25),
        omit: rate(0.3),
        duplicate: rate(1.0),
        disorder: rate(0.2),
        refused_silently: rate(0.2),
        written_omitted: rate(0.3),
        ignored: rate(0.3),
        items_failed: rate(0.3),
        conflict: rate(0.5),
        multi_status: rate(5.0),
        slow: rate(2.0),
        slow_max_ms: 5_000,
        storms: if seed % 20 == 7 { vec![storm] } else { Vec::new() },
        ..Faults::none()
    }
}
