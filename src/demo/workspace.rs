//! The demo's files and what it runs: a copy of the service for staging, and production's behind its front. Undone when it is dropped.

use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::service::{Place, Release, read};
use super::{slots, supervise};

/// The pipelines of the demo. `@STAGING@` and `@PRODUCTION@` become the addresses of this demo's copies.
const PIPELINES: &[(&str, &str)] = &[
    ("release.json", RELEASE),
    ("go-back.yaml", include_str!("workspace/go-back.yaml")),
    ("check.yaml", include_str!("workspace/check.yaml")),
    ("chatter.yaml", include_str!("workspace/chatter.yaml")),
];
const RELEASE: &str = include_str!("workspace/release.json");
/// What makes of the release the one that has to be rolled back.
const BAD: &[(&str, &str)] = &[
    (r#""id": "release""#, r#""id": "bad-release""#),
    (r#""name": "Release the web service""#, r#""name": "Release a bad version""#),
    (r#""default": "v1.1.0""#, r#""default": "v1.2.0""#),
    (r#""maximum": 1, "default": 0"#, r#""maximum": 1, "default": 1"#),
];
const SETTINGS: &str = include_str!("workspace/flowdeck.toml");

/// A demo that runs. Dropping it stops its services; a temporary directory goes too.
#[derive(Debug)]
pub struct Demo {
    pub dir: PathBuf,
    /// The addresses of staging and production.
    pub urls: [String; 2],
    temporary: bool,
    _leash: File,
}

impl Demo {
    /// Makes the workspace in `dir`, or in a new temporary directory, and starts what runs in it.
    /// What ran there before runs again.
    ///
    /// # Errors
    /// When files cannot be written or a process does not come up.
    pub fn start(exe: &Path, dir: Option<&Path>) -> io::Result<Self> {
        let (dir, temporary) = match dir {
            Some(dir) => (std::path::absolute(dir)?, false),
            None => (std::env::temp_dir().join(format!("flowdeck-demo-{}", std::process::id())), true),
        };
        fs::create_dir_all(dir.join("pipelines"))?;
        let leash = dir.join("demo.lock");
        let held = File::create(&leash)?;
        held.try_lock().map_err(|_| io::Error::other(format!("a demo already runs in {}", dir.display())))?;
        let mut demo = Self { dir, urls: [String::new(), String::new()], temporary, _leash: held };
        let place = |environment: &str| -> io::Result<Place> {
            Ok(Place { environment: environment.to_owned(), port: free_port()?, leash: Some(leash.clone()) })
        };
        let first = Release { version: "v1.0.0".to_owned(), error_rate: 0.0, latency_ms: 0 };
        let staging = start_copy(exe, &demo.environment("staging"), &place("staging")?, &first)?;
        let production = slots::open(exe, &demo.environment("production"), &place("production")?, &first)?;
        demo.urls = [staging, production].map(|port| format!("http://127.0.0.1:{port}"));
        demo.write_files()?;
        Ok(demo)
    }

    /// The demo's own files are written anew, with this demo's addresses; others in the directory are the user's and stay.
    fn write_files(&self) -> io::Result<()> {
        let [staging, production] = &self.urls;
        let placed = |text: &str| text.replace("@STAGING@", staging).replace("@PRODUCTION@", production);
        fs::write(self.dir.join("flowdeck.toml"), placed(SETTINGS))?;
        for (name, text) in PIPELINES {
            fs::write(self.dir.join("pipelines").join(name), placed(text))?;
        }
        let bad = BAD.iter().fold(RELEASE.to_owned(), |text, (good, bad)| text.replace(good, bad));
        fs::write(self.dir.join("pipelines/bad-release.json"), placed(&bad))
    }

    fn environment(&self, name: &str) -> PathBuf {
        self.dir.join("environments").join(name)
    }

    /// Where the demo's engine keeps its state: with the demo, so that both go together.
    pub fn state_dir(&self) -> PathBuf {
        self.dir.join("state")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // What cannot be stopped lets go by itself when the leash is free.
        let _ = supervise::stop(&self.environment("staging"));
        let _ = slots::close(&self.environment("production"));
        if self.temporary {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// Starts a copy with the release that it had, or `first`.
fn start_copy(exe: &Path, dir: &Path, place: &Place, first: &Release) -> io::Result<u16> {
    fs::create_dir_all(dir)?;
    supervise::stop(dir)?;
    let kept = dir.join("release.json");
    let release = read(&kept).unwrap_or_else(|_| first.clone());
    fs::write(dir.join("service.json"), json!(place).to_string())?;
    fs::write(kept, json!(release).to_string())?;
    supervise::start(exe, dir)
}

/// A port that was free a moment ago. A copy keeps its port over its replacements, so it cannot be chosen later.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
