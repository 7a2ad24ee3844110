//! The fuzz targets on stable, bounded: every kept input, then inputs made from these, the same ones each time.
//!
//! No panic, no hang, no memory beyond what the limits of the language allow. How to fuzz without end: `Cargo.toml` beside this.

mod gauge;
mod mutate;
mod targets;

use std::any::Any;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use targets::{TARGETS, Target};

/// Inputs made for each target, unless `FLOWDECK_FUZZ_INPUTS` says otherwise.
const INPUTS: usize = 1_000;
/// The stack of the engine's threads: what is too deep for it must be refused here, too.
const STACK: usize = 2 * 1024 * 1024;
/// One input takes no longer, on the slowest machine: the costliest evaluation its limits allow takes seconds.
const PATIENCE: Duration = Duration::from_secs(90);

fn seeds(target: &Target) -> Vec<Box<[u8]>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(target.name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a readable file").into()).collect()
}

/// Runs a target on a thread like the engine's and watches it. The last input is kept in a file: an overflown stack
/// or an endless loop leaves nothing else behind.
fn drive(name: &str) {
    let target = *TARGETS.iter().find(|target| target.name == name).expect("a target");
    let last = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
    let (done, wait) = mpsc::channel();
    let kept = last.clone();
    let thread = std::thread::Builder::new().name(name.to_owned()).stack_size(STACK);
    let work = thread.spawn(move || {
        let seeds = seeds(&target);
        let count = std::env::var("FLOWDECK_FUZZ_INPUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(INPUTS);
        let mut dice = mutate::Dice::new(0);
        let made = (0..count).map(|_| mutate::input(&mut dice, &seeds, target.words).into_boxed_slice());
        for input in seeds.iter().cloned().chain(made) {
            fs::write(&kept, &input).expect("the input is kept");
            if done.send(judge(&target, &input)).is_err() {
                return;
            }
        }
    });
    loop {
        match wait.recv_timeout(PATIENCE) {
            Ok(Ok(())) => {}
            Ok(Err(complaint)) => panic!("{complaint}\nthe input is in {}", last.display()),
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("{name} hangs with the input in {}", last.display()),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    work.expect("a thread").join().expect("every input was made");
}

fn judge(target: &Target, input: &[u8]) -> Result<(), String> {
    let mut ended = Ok(());
    let peak = gauge::peak(|| ended = catch_unwind(AssertUnwindSafe(|| (target.run)(input))));
    let text = || String::from_utf8_lossy(input).into_owned();
    ended.map_err(|panic| format!("{} breaks with {:?}: {}", target.name, text(), said(&*panic)))?;
    let limit = target.memory;
    if peak > limit { Err(format!("{} holds {peak} bytes, more than {limit}, for {:?}", target.name, text())) } else { Ok(()) }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}

macro_rules! bounded {
    ($($test:ident $name:literal),* $(,)?) => {
        $(#[test]
        fn $test() {
            drive($name);
        })*

        #[test]
        fn every_target_is_driven_here_and_by_cargo_fuzz() {
            let mut driven = vec![$($name),*];
            let mut known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            driven.sort_unstable();
            known.sort_unstable();
            assert_eq!(driven, known);
            let manifest = include_str!("Cargo.toml");
            assert!(known.iter().all(|name| manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\""))));
        }
    };
}

bounded! {
    no_expression_does_harm "expression",
    no_condition_does_harm "condition",
    no_template_does_harm "template",
    no_json_document_does_harm "json",
    no_yaml_document_does_harm "yaml",
    no_workspace_file_does_harm "workspace",
    no_inputs_do_harm "inputs",
    no_script_does_harm "script",
    no_line_of_a_log_does_harm "log",
    no_event_stream_does_harm "events",
    no_runner_does_harm "runner",
    no_answer_does_harm "fence",
}

#[test]
fn a_broken_promise_is_told_with_its_input() {
    let target = Target { name: "t", run: |data| assert!(data.is_empty(), "not empty"), words: &[], memory: 64 * 1024 };
    assert_eq!(judge(&target, b""), Ok(()));
    assert_eq!(judge(&target, b"x"), Err("t breaks with \"x\": not empty".to_owned()));
    let greedy = Target { run: |data| drop(std::hint::black_box(vec![0_u8; data.len() << 20])), ..target };
    assert_eq!(judge(&greedy, b""), Ok(()));
    assert!(judge(&greedy, b"x").is_err_and(|complaint| complaint.contains("more than 65536")));
}

#[test]
fn the_same_seed_makes_the_same_inputs() {
    let seeds = [Box::from(&b"{\"a\": [1, (2)]}"[..])];
    let make = |seed| -> Vec<Vec<u8>> {
        let mut dice = mutate::Dice::new(seed);
        (0..100).map(|_| mutate::input(&mut dice, &seeds, &["x"])).collect()
    };
    assert_eq!(make(1), make(1));
    assert_ne!(make(1), make(2));
}
