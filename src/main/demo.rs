//! The demo as a process: set up, run or open the console, and leave nothing behind.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flowdeck::cli::{self, Context, DemoArgs, Global, Handoff, ServiceAction, ServiceArgs};
use flowdeck::config::EngineLock;
use flowdeck::demo::workspace::Demo;
use flowdeck::demo::{service as web, supervise};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long the demo's engine may take to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sets the demo up, shows it, and takes it down.
pub fn main(from: &Context, options: DemoArgs) -> Result<u8, Box<dyn Error>> {
    let exe = std::env::current_exe()?;
    let runtime = super::small_runtime()?;
    // From here on a signal ends the demo in order, not the process in the middle.
    let mut signals = runtime.block_on(async { Signals::new() })?;
    let demo = Demo::start(&exe, options.dir.as_deref())?;
    let global = Global { workspace: Some(demo.dir.clone()), state_dir: Some(demo.state_dir()), read_only: false };
    let context = Context::new(&global, from.runs)?;
    let shown = runtime.block_on(async {
        if !options.headless {
            return show(&context).await;
        }
        tokio::select! {
            code = headless(&context, &demo, &options.input) => Ok(code),
            code = signals.any() => Ok(code),
        }
    });
    let stopped = runtime.block_on(stop_engine(&context));
    drop(demo);
    stopped?;
    shown
}

/// The signals that end a demo.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    /// The exit code a shell expects of a process that the signal ended.
    async fn any(&mut self) -> u8 {
        tokio::select! {
            _ = self.term.recv() => 143,
            _ = self.int.recv() => cli::exit::CANCELLED,
            _ = self.hup.recv() => 129,
        }
    }
}

async fn headless(context: &Context, demo: &Demo, input: &[String]) -> u8 {
    let [staging, production] = &demo.urls;
    cli::say(&format!("demo in {}: staging {staging}, production {production}", demo.dir.display()));
    cli::run_to_end(context, "release", input).await
}

/// The first thing to see is a release on its way.
async fn show(context: &Context) -> Result<u8, Box<dyn Error>> {
    match cli::start_detached(context, "release").await {
        Ok(_) => super::console::open(context, None).await,
        Err(Handoff::Exit(code)) => Ok(code),
        Err(_) => Ok(cli::exit::FAILED),
    }
}

async fn stop_engine(context: &Context) -> Result<(), Box<dyn Error>> {
    if let Ok(client) = context.client() {
        for run in client.runs(1000, None).await.unwrap_or_default() {
            if !run.status.is_final() {
                let _ = client.cancel(run.id.as_str(), true).await;
                // A runner leaves when its run has ended, and only an engine can end one.
                let _ = tokio::time::timeout(PATIENCE, cli::wait_for_end(context, &client, &run.id)).await;
            }
        }
        let _ = client.stop_engine().await;
    }
    EngineLock::wait_until_free(&context.paths, PATIENCE).await?;
    let runs = context.paths.runs_dir();
    let gone = tokio::task::spawn_blocking(move || wait_for_runners(&runs));
    let _ = tokio::time::timeout(PATIENCE, gone).await;
    Ok(())
}

/// A runner holds its lock for as long as it lives, and leaves a moment after its run.
fn wait_for_runners(runs: &Path) {
    for run in std::fs::read_dir(runs).into_iter().flatten().flatten() {
        if let Ok(lock) = std::fs::File::open(run.path().join("runner.lock")) {
            let _ = lock.lock_shared();
        }
    }
}

/// The demo's sample service: be a copy, replace one, stop one, try a release out.
pub fn service(options: &ServiceArgs) -> Result<u8, Box<dyn Error>> {
    let exe: PathBuf = std::env::current_exe()?;
    match &options.action {
        ServiceAction::Serve { dir } => {
            // A copy is nobody's child: it outlives the stage that started it.
            let _ = rustix::process::setsid();
            super::small_runtime()?.block_on(web::serve(dir))?;
        }
        ServiceAction::Replace { dir, artifact } => {
            let (release, port) = supervise::replace(&exe, dir, artifact)?;
            cli::say(&format!("{} answers on port {port}", release.version));
        }
        ServiceAction::Stop { dir } => {
            let stopped = supervise::stop(dir)?;
            cli::say(if stopped { "stopped" } else { "nothing runs here" });
        }
        ServiceAction::Try { artifact } => {
            cli::say(&super::small_runtime()?.block_on(supervise::try_out(&exe, artifact))?);
        }
    }
    Ok(0)
}
