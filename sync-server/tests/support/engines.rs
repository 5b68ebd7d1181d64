//! Real engines for tests, each a process of its own on a free port, with its files in a temporary folder.

#![expect(dead_code, reason = "each program of tests uses its share")]

pub(crate) mod disk;
pub(crate) mod postgres;
pub(crate) mod provider;
pub(crate) mod redis;
pub(crate) mod s3;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Ports of engines. Below those that systems give to whoever asks for any port, as all other servers and every connection
/// of these tests do: one of those would be taken before its engine listens, or while that is down.
const PORTS: Range<u16> = 10_000..32_000;

/// A port that nobody listens at, and that nobody else here is given.
pub(crate) fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let port = fastrand::u16(PORTS);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && given.insert(port) {
            return port;
        }
    }
}

/// Ends the process `id` when this one is gone, however it ended: a test binary has no hook for that.
fn end_with_us(id: u32) -> Child {
    Command::new("sh")
        .args(["-c", &format!("read -r _; kill -INT {id} 2>/dev/null")])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The newest of the folders that match `prefix*/bin` and hold `program`, or the folder of it on `PATH`.
fn folder_of(program: &str, prefixes: &[&str]) -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = prefixes
        .iter()
        .flat_map(|prefix| Path::new(prefix).read_dir().into_iter().flatten())
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| folder.join(program).is_file())
        .collect();
    found.sort();
    found.pop().or_else(|| on_path(program))
}

/// The folder of `PATH` that holds `program`.
fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| folder.join(program).is_file())
}

fn is_on_path(program: &str) -> bool {
    on_path(program).is_some()
}
