//! `flowdeck test`: a pipeline's own tests, run in an engine that exists for them alone.
//!
//! Owns the way from test files to verdicts and reports. What a test file may say belongs to the language.

mod engine;
mod execute;
mod files;
mod include;
mod judge;
mod junit;
mod report;
mod scope;

use std::path::PathBuf;
use std::time::Instant;

use futures_util::StreamExt;

use super::private::Signals;
use super::{Context, Handoff, complain, exit};
use engine::Private;
use report::Results;

/// Tests at work at the same time.
const AT_ONCE: usize = 16;

const EXAMPLES: &str = "\
Examples:
  flowdeck test                          every *.test.yaml|yml|json below pipelines/
  flowdeck test pipelines/deploy.test.yaml --filter rollback
  flowdeck test --junit report.xml       for CI

A stage that would do something to the world (shell, http-request, language models, …) does not run in a
test: mock it, or name it under `allow`. Stages that only compute run as they are.";

/// Run the tests of pipelines, without their effects
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Test files, or directories of them [default: everything below the workspace's `pipelines/`]
    paths: Vec<PathBuf>,
    /// Only tests with this in their name or file
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Stop at the first test that fails
    #[arg(long)]
    fail_fast: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub async fn run(args: Args, context: Context) -> Handoff {
    if context.read_only {
        errln!("error: `--read-only` starts nothing, tests neither");
        return Handoff::Exit(exit::REFUSED);
    }
    let files = match files::load_all(&args.paths, &context) {
        Ok(files) => files,
        Err(handoff) => return handoff,
    };
    if files.iter().any(|file| file.suite.is_none()) {
        report::problems(&files, args.json);
        return Handoff::Exit(exit::USAGE);
    }
    let mut results = Results::new(&files, args.filter.as_deref());
    if let Some(filter) = args.filter.as_deref().filter(|_| results.is_empty()) {
        errln!("error: no test has {filter:?} in its name or file");
        return Handoff::Exit(exit::USAGE);
    }
    match carry_out(&args, &context, &mut results).await {
        Ok(None) => finish(&args, &context, &results),
        Ok(Some(code)) => Handoff::Exit(code),
        Err(handoff) => handoff,
    }
}

/// Runs the tests in an engine of their own; gives an exit code when a signal came in between.
async fn carry_out(args: &Args, context: &Context, results: &mut Results<'_>) -> Result<Option<u8>, Handoff> {
    let mut signals = Signals::new().map_err(|error| complain(exit::FAILED, &error))?;
    let private = Private::start(context).await?;
    let interrupted = tokio::select! {
        () = all(args, context, &private, results) => None,
        code = signals.any() => Some(code),
    };
    private.stop().await?;
    Ok(interrupted)
}

async fn all(args: &Args, context: &Context, private: &Private, results: &mut Results<'_>) {
    let since = Instant::now();
    let work: Vec<_> = results.planned().collect();
    let running =
        work.into_iter().map(|(place, file, case)| async move { (place, execute::case(private, context, file, case).await) });
    let mut verdicts = futures_util::stream::iter(running).buffered(AT_ONCE);
    while let Some((place, verdict)) = verdicts.next().await {
        let stop = args.fail_fast && verdict.status.is_bad();
        // With nobody left to read, the tests end, but not before their engine has.
        let unread = results.take(place, verdict, args.json).is_err();
        if stop || unread {
            break;
        }
    }
    drop(verdicts);
    results.close(since.elapsed());
}

fn finish(args: &Args, context: &Context, results: &Results<'_>) -> Handoff {
    if args.json {
        outln!("{:#}", results.document());
    } else {
        results.summary();
    }
    if let Some(file) = &args.junit {
        let path = context.cwd.join(file);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        if let Err(error) = made.and_then(|()| std::fs::write(&path, junit::document(results))) {
            errln!("error: {}: {error}", path.display());
            return Handoff::Exit(exit::FAILED);
        }
    }
    Handoff::Exit(if results.is_good() { exit::SUCCESS } else { exit::FAILED })
}
