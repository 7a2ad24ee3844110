//! The fuzz targets as a library, for cargo-fuzz; `cargo test --test fuzz` drives the same ones.

pub mod targets;

/// Runs the target of that name; what has no such name panics.
pub fn run(name: &str, data: &[u8]) {
    match targets::TARGETS.iter().find(|target| target.name == name) {
        Some(target) => (target.run)(data),
        None => panic!("there is no target {name}"),
    }
}
