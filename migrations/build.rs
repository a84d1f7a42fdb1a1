//! Makes cargo look at the migrations again when one is added: without it a new file would silently not be embedded.

fn main() {
    println!("cargo:rerun-if-changed=sql");
}
