//! The demo's files and its two running copies of the service, undone when it is dropped.

use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::service::{Place, Release};
use super::supervise;

/// The pipelines of the demo. `@STAGING@` and `@PRODUCTION@` become the addresses of this demo's copies.
const PIPELINES: &[(&str, &str)] = &[
    ("release.json", include_str!("workspace/release.json")),
    ("check.yaml", include_str!("workspace/check.yaml")),
    ("chatter.yaml", include_str!("workspace/chatter.yaml")),
];
const SETTINGS: &str = include_str!("workspace/flowdeck.toml");
const ENVIRONMENTS: [&str; 2] = ["staging", "production"];

/// A demo that runs. Dropping it stops its services; a temporary directory goes too.
#[derive(Debug)]
pub struct Demo {
    pub dir: PathBuf,
    /// The addresses of the staging and the production copy.
    pub urls: [String; 2],
    temporary: bool,
    _leash: File,
}

impl Demo {
    /// Makes the workspace in `dir`, or in a new temporary directory, and starts both copies.
    ///
    /// # Errors
    /// When files cannot be written or a copy does not come up.
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
        for (url, environment) in demo.urls.iter_mut().zip(ENVIRONMENTS) {
            let port = start_copy(exe, &demo.dir.join("environments").join(environment), environment, &leash)?;
            *url = format!("http://127.0.0.1:{port}");
        }
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
        Ok(())
    }

    /// Where the demo's engine keeps its state: with the demo, so that both go together.
    pub fn state_dir(&self) -> PathBuf {
        self.dir.join("state")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        for environment in ENVIRONMENTS {
            // What cannot be stopped lets go by itself when the leash is free.
            let _ = supervise::stop(&self.dir.join("environments").join(environment));
        }
        if self.temporary {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

fn start_copy(exe: &Path, dir: &Path, environment: &str, leash: &Path) -> io::Result<u16> {
    fs::create_dir_all(dir)?;
    supervise::stop(dir)?;
    let place = Place { environment: environment.to_owned(), port: free_port()?, leash: Some(leash.to_owned()) };
    let release = Release { version: "v1.0.0".to_owned(), error_rate: 0.0, latency_ms: 0 };
    fs::write(dir.join("service.json"), json!(place).to_string())?;
    fs::write(dir.join("release.json"), json!(release).to_string())?;
    supervise::start(exe, dir)
}

/// A port that was free a moment ago. A copy keeps its port over its replacements, so it cannot be chosen later.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
