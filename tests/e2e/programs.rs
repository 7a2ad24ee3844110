//! Programs that a test may have to do without: found, or said to be missing.

use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;

/// Names of what must be there, separated by commas: set where the tests' packages were installed.
const REQUIRED: &str = "FLOWDECK_TEST_REQUIRE";

/// Says that a test is left out; where the server must be there, that is a failure.
pub fn skip<T>(server: &str) -> Option<T> {
    let required = std::env::var(REQUIRED).unwrap_or_default();
    assert!(!required.split(',').any(|name| name == server), "{server} is not installed, and {REQUIRED} wants it");
    let _ = writeln!(std::io::stderr(), "skipped: {server} is not installed");
    None
}

/// The program of that name on the path, or where Debian keeps servers.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = std::env::split_paths(&path).chain(debian.map(|version| version.path().join("bin")));
    let folders = folders.chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
