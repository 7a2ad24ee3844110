//! Fails on purpose, in debug builds only, so that tests see what a failure of the real binary leaves behind.

use std::convert::Infallible;

/// Waits for `SIGUSR1` where `FLOWDECK_TEST_PANIC` names a part: `task`, `thread`, or the console itself.
#[cfg(debug_assertions)]
pub async fn strike() -> Infallible {
    use tokio::signal::unix::{SignalKind, signal};
    let part = std::env::var("FLOWDECK_TEST_PANIC").unwrap_or_default();
    if !part.is_empty()
        && let Ok(mut told) = signal(SignalKind::user_defined1())
    {
        told.recv().await;
        match part.as_str() {
            "task" => drop(tokio::spawn(async { panic!("a failure on purpose") })),
            "thread" => drop(std::thread::spawn(|| panic!("a failure on purpose"))),
            _ => panic!("a failure on purpose"),
        }
    }
    std::future::pending().await
}

#[cfg(not(debug_assertions))]
pub async fn strike() -> Infallible {
    std::future::pending().await
}
