//! The engine as a process: lock, log, socket, signals, idle stop.

use std::error::Error;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use flowdeck::api::{self, Api};
use flowdeck::cli::Context;
use flowdeck::cli::EngineRunArgs;
use flowdeck::client::start::{READY, VERSION_FILE};
use flowdeck::config::{EngineLock, IdleTimeout};
use flowdeck::engine::{Checkpoints, Engine, Outside};
use flowdeck::model::Actor;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Schema checks recurse deeply; stacks are only reserved, not used, up to this.
const STACK: usize = 16 * 1024 * 1024;

/// Is the engine until it is told to stop or has been idle long enough.
pub fn main(context: &Context, options: &EngineRunArgs) -> Result<u8, Box<dyn Error>> {
    if options.detached {
        // Out of the client's session: its terminal's hang-up is none of ours. It fails for a group leader only.
        let _ = rustix::process::setsid();
    }
    context.paths.prepare()?;
    let lock = EngineLock::acquire(&context.paths)?;
    std::fs::write(context.paths.state_dir().join(VERSION_FILE), env!("CARGO_PKG_VERSION"))?;
    let _log = log_to(&context.paths.log_dir(), options.detached)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_stack_size(STACK).enable_all().build()?;
    runtime.block_on(serve(context, options))?;
    // Streams and drivers end with the runtime; runners go on.
    runtime.shutdown_timeout(Duration::from_millis(200));
    drop(lock);
    Ok(0)
}

async fn serve(context: &Context, options: &EngineRunArgs) -> Result<(), Box<dyn Error>> {
    let settings = &context.settings;
    let exe = std::env::current_exe()?;
    let outside = Outside::of(&context.workspace).await?;
    let checkpoints = Checkpoints::new(&context.workspace.file.audit);
    let at_once = usize::try_from(settings.max_concurrency)?;
    let engine = Engine::open(context.paths.clone(), exe, at_once, outside, checkpoints).await?;
    let socket = context.paths.socket();
    let listener = bind(socket)?;
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(engine.clone(), stop.clone()));
    let on_demand = options.detached.then_some(settings.idle_timeout);
    if let Some(IdleTimeout::After(idle)) = options.idle_timeout.or(on_demand) {
        tokio::spawn(stop_when_idle(engine.clone(), idle, stop.clone()));
    }
    announce(options.detached)?;
    tracing::info!(socket = %socket.display(), version = env!("CARGO_PKG_VERSION"), "the engine takes requests");
    let serving = api::serve(listener, Api { engine: engine.clone(), stop: stop.clone() });
    tokio::select! {
        served = serving => served?,
        () = async { stop.cancelled().await; tokio::time::sleep(Duration::from_millis(500)).await } => {}
    }
    let _ = std::fs::remove_file(socket);
    engine.close().await?;
    tracing::info!("the engine stopped");
    Ok(())
}

/// The lock is ours, so whatever lies at the socket's place is left over.
fn bind(socket: &Path) -> std::io::Result<UnixListener> {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Tells whoever started this process that requests are taken, and lets go of its pipe.
fn announce(detached: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{READY}")?;
    out.flush()?;
    if detached {
        let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
        rustix::stdio::dup2_stdout(&null)?;
    }
    Ok(())
}

async fn stop_on_signal(engine: Engine, stop: CancellationToken) {
    let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
    let [Ok(mut term), Ok(mut int), Ok(mut hup)] = kinds.map(signal) else { return };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        _ = hup.recv() => {}
    }
    engine.stopping(Actor::engine(), "a signal");
    stop.cancel();
}

async fn stop_when_idle(engine: Engine, idle: Duration, stop: CancellationToken) {
    let shared = engine.shared.clone();
    engine.shared.activity.idle_for(idle, || shared.active_runs() > 0).await;
    tracing::info!(?idle, "nobody needs the engine");
    engine.stopping(Actor::engine(), "nobody needed it");
    stop.cancel();
}

/// The engine's log: a file when detached, standard error else.
fn log_to(dir: &Path, detached: bool) -> std::io::Result<Option<tracing_appender::non_blocking::WorkerGuard>> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("FLOWDECK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    if !detached {
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
        return Ok(None);
    }
    std::fs::create_dir_all(dir)?;
    let file = tracing_appender::rolling::never(dir, "engine.log");
    let (writer, guard) = tracing_appender::non_blocking::NonBlockingBuilder::default().lossy(false).finish(file);
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).init();
    Ok(Some(guard))
}
