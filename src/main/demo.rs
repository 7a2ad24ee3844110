//! The demo as a process: set up, run or open the console, and leave nothing behind.

use std::error::Error;
use std::path::PathBuf;

use flowdeck::cli::{self, Context, DemoArgs, Global, Handoff, ServiceAction, ServiceArgs, Signals};
use flowdeck::demo::workspace::Demo;
use flowdeck::demo::{front, service as web, slots, supervise};

#[path = "demo/story.rs"]
mod story;

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
            code = story::tell(&context, &demo, &options.input) => Ok(code),
            code = signals.any() => Ok(code),
        }
    });
    let stopped = runtime.block_on(cli::stop_engine(&context));
    drop(demo);
    stopped?;
    shown
}

/// The first thing to see is a release on its way; before production it waits for whoever looks.
async fn show(context: &Context) -> Result<u8, Box<dyn Error>> {
    match cli::start_detached(context, "release").await {
        Ok(_) => super::console::open(context, flowdeck::tui::Start::Overview).await,
        Err(Handoff::Exit(code)) => Ok(code),
        Err(_) => Ok(cli::exit::FAILED),
    }
}

/// The demo's sample service: be a copy or the front, and everything that pipelines do with them.
pub fn service(options: &ServiceArgs) -> Result<u8, Box<dyn Error>> {
    let exe: PathBuf = std::env::current_exe()?;
    match &options.action {
        ServiceAction::Serve { dir } => {
            // A copy is nobody's child: it outlives the stage that started it.
            let _ = rustix::process::setsid();
            super::small_runtime()?.block_on(web::serve(dir))?;
        }
        ServiceAction::Front { dir } => {
            let _ = rustix::process::setsid();
            super::small_runtime()?.block_on(front::serve(dir))?;
        }
        ServiceAction::Begin { dir, artifact } => {
            let side = super::small_runtime()?.block_on(slots::begin(&exe, dir, artifact))?;
            cli::say(&format!("{} answers on port {}, beside the stable copy", side.version, side.port));
        }
        ServiceAction::TakeOver { dir } => {
            let side = super::small_runtime()?.block_on(slots::take_over(dir))?;
            cli::say(&format!("{} answers everything", side.version));
        }
        ServiceAction::Retire { dir } => {
            let side = super::small_runtime()?.block_on(slots::retire(dir))?;
            cli::say(&side.map_or_else(|| "there is no candidate".to_owned(), |side| format!("{} is retired", side.version)));
        }
        ServiceAction::Switch { dir, artifact } => {
            let side = super::small_runtime()?.block_on(async {
                slots::begin(&exe, dir, artifact).await?;
                slots::take_over(dir).await
            })?;
            cli::say(&format!("{} answers everything", side.version));
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
