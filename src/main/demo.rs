//! The demo as a process: set up, run or open the console, and leave nothing behind.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use flowdeck::cli::{self, Context, DemoArgs, Global, Handoff, ServiceAction, ServiceArgs};
use flowdeck::config::EngineLock;
use flowdeck::demo::workspace::Demo;
use flowdeck::demo::{service as web, supervise};

/// How long the demo's engine may take to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sets the demo up, shows it, and takes it down.
pub fn main(_: &Context, options: DemoArgs) -> Result<u8, Box<dyn Error>> {
    let exe = std::env::current_exe()?;
    let demo = Demo::start(&exe, options.dir.as_deref())?;
    let global = Global { workspace: Some(demo.dir.clone()), state_dir: Some(demo.state_dir()), read_only: false };
    let context = Context::new(&global)?;
    let runtime = super::small_runtime()?;
    let shown = runtime.block_on(show(&context, &demo, options.headless));
    let stopped = runtime.block_on(stop_engine(&context));
    drop(demo);
    stopped?;
    shown
}

async fn show(context: &Context, demo: &Demo, headless: bool) -> Result<u8, Box<dyn Error>> {
    if headless {
        let [staging, production] = &demo.urls;
        cli::say(&format!("demo in {}: staging {staging}, production {production}", demo.dir.display()));
        return Ok(cli::run_to_end(context, "release").await);
    }
    // The first thing to see is a release on its way.
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
            }
        }
        let _ = client.stop_engine().await;
    }
    EngineLock::wait_until_free(&context.paths, PATIENCE).await?;
    Ok(())
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
