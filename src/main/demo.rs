//! The demo as a process: set up, run or open the console, and leave nothing behind.

use std::error::Error;
use std::path::PathBuf;

use flowdeck::cli::{self, Context, DemoArgs, Global, Handoff, ServiceAction, ServiceArgs, Signals};
use flowdeck::demo::workspace::Demo;
use flowdeck::demo::{service as web, supervise};

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
    let stopped = runtime.block_on(cli::stop_engine(&context));
    drop(demo);
    stopped?;
    shown
}

async fn headless(context: &Context, demo: &Demo, input: &[String]) -> u8 {
    let [staging, production] = &demo.urls;
    cli::say(&format!("demo in {}: staging {staging}, production {production}", demo.dir.display()));
    cli::run_to_end(context, "release", input).await
}

/// The first thing to see is a release on its way.
async fn show(context: &Context) -> Result<u8, Box<dyn Error>> {
    match cli::start_detached(context, "release").await {
        Ok(_) => super::console::open(context, flowdeck::tui::Start::Overview).await,
        Err(Handoff::Exit(code)) => Ok(code),
        Err(_) => Ok(cli::exit::FAILED),
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
