//! Production's copies behind its front: one begins beside the stable one, takes over from it, or is retired.
//!
//! Owns which copy runs in which of two slots. Must not know why.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::front::{Routes, Side, routes_file};
use super::service::{Place, Release, read};
use super::supervise;

const SLOTS: [&str; 2] = ["blue", "green"];
pub const FRONT: &str = "front";

/// Starts the front in `dir`, and behind it the copy that was stable last, or `first`.
///
/// # Errors
/// When files cannot be written or a process does not come up.
pub fn open(exe: &Path, dir: &Path, front: &Place, first: &Release) -> io::Result<u16> {
    close(dir)?;
    let home = dir.join(FRONT);
    fs::create_dir_all(&home)?;
    fs::write(home.join("service.json"), json!(front).to_string())?;
    let slot = read::<Routes>(&routes_file(&home)).map_or_else(|_| SLOTS[0].to_owned(), |routes| routes.stable.slot);
    let place = dir.join(&slot);
    let kept = place.join("release.json");
    let release = read::<Release>(&kept).unwrap_or_else(|_| first.clone());
    furnish(&place, front)?;
    fs::write(&kept, json!(release).to_string())?;
    let port = supervise::start(exe, &place)?;
    let stable = Side { slot, version: release.version, port };
    fs::write(routes_file(&home), json!(Routes { stable, candidate: None, weight: 0 }).to_string())?;
    supervise::start_as(exe, "front", &home)
}

/// Ends the front and whatever is behind it.
///
/// # Errors
/// When one does not go away.
pub fn close(dir: &Path) -> io::Result<()> {
    let stopped = [FRONT].iter().chain(&SLOTS).map(|name| supervise::stop(&dir.join(name)));
    stopped.collect::<Vec<_>>().into_iter().try_for_each(|stopped| stopped.map(drop))
}

/// Starts a release beside the stable one; nothing is sent to it yet.
///
/// # Errors
/// When it does not come up, or the front does not answer.
pub async fn begin(exe: &Path, dir: &Path, artifact: &Path) -> io::Result<Side> {
    let front = Door::of(dir)?;
    let routes = front.routes().await?;
    let slot = SLOTS.into_iter().find(|slot| **slot != *routes.stable.slot).unwrap_or(SLOTS[0]).to_owned();
    let place = dir.join(&slot);
    furnish(&place, &front.place)?;
    let (release, port) = supervise::replace(exe, &place, artifact)?;
    let side = Side { slot, version: release.version, port };
    front.set(&Routes { candidate: Some(side.clone()), weight: 0, ..routes }).await?;
    Ok(side)
}

/// The candidate gets everything, and the copy before it ends.
///
/// # Errors
/// When there is no candidate, or the front does not answer.
pub async fn take_over(dir: &Path) -> io::Result<Side> {
    let front = Door::of(dir)?;
    let routes = front.routes().await?;
    let Some(side) = routes.candidate else { return Err(io::Error::other("there is no candidate that could take over")) };
    front.set(&Routes { stable: side.clone(), candidate: None, weight: 0 }).await?;
    supervise::stop(&dir.join(&routes.stable.slot))?;
    Ok(side)
}

/// Nothing is sent to the candidate any more, and it ends. Without one nothing happens.
///
/// # Errors
/// When the front does not answer, or the copy does not end.
pub async fn retire(dir: &Path) -> io::Result<Option<Side>> {
    let front = Door::of(dir)?;
    let routes = front.routes().await?;
    let Some(side) = routes.candidate else { return Ok(None) };
    front.set(&Routes { stable: routes.stable, candidate: None, weight: 0 }).await?;
    supervise::stop(&dir.join(&side.slot))?;
    Ok(Some(side))
}

/// A slot's place: the environment and the leash of the front, and any free port.
fn furnish(slot: &Path, front: &Place) -> io::Result<()> {
    fs::create_dir_all(slot)?;
    fs::write(slot.join("service.json"), json!(Place { port: 0, ..front.clone() }).to_string())
}

/// The way to the front.
struct Door {
    place: Place,
    client: reqwest::Client,
}

impl Door {
    fn of(dir: &Path) -> io::Result<Self> {
        let place = read(&dir.join(FRONT).join("service.json"))?;
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(Duration::from_secs(10)).build();
        Ok(Self { place, client: client.map_err(io::Error::other)? })
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/admin/routes", self.place.port)
    }

    async fn routes(&self) -> io::Result<Routes> {
        let answer = self.client.get(self.url()).send().await.map_err(io::Error::other)?;
        answer.json().await.map_err(io::Error::other)
    }

    async fn set(&self, routes: &Routes) -> io::Result<()> {
        let answer = self.client.post(self.url()).json(routes).send().await.map_err(io::Error::other)?;
        answer.error_for_status().map(drop).map_err(io::Error::other)
    }
}
