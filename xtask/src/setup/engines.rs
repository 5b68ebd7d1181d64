//! PostgreSQL, Redis, an S3-compatible store and a provider of accounts, which tests start for themselves: only their programs are needed, no
//! running service.

use std::path::Path;

use crate::command::step;
use crate::failure::Failure;
use crate::setup::node;
use crate::setup::wasm_std::apt_install;
use crate::workspace;

/// Where Debian and Homebrew put each version's programs.
const FOLDERS: [&str; 3] = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];

/// Finds the programs of all or installs them.
pub(crate) fn find_or_install() -> Result<(), Failure> {
    install_unless(
        postgres_is_there(),
        "PostgreSQL",
        "postgresql",
        "postgresql",
    )?;
    // Debian's package of tools holds the whole program under another name. The one named `redis-server` would start a
    // service at once, on everybody's port.
    install_unless(redis_is_there(), "Redis", "redis-tools", "redis")?;
    node::check_version()?;
    node::install_packages(
        "sync-server/tests/s3",
        "a store for pictures and files, which their tests start",
    )?;
    node::install_packages(
        "sync-server/tests/oidc",
        "a provider of accounts, which tests of signing in start",
    )
}

fn install_unless(is_there: bool, name: &str, package: &str, formula: &str) -> Result<(), Failure> {
    if is_there {
        return Ok(());
    }
    if !cfg!(target_os = "linux") || workspace::on_path("apt-get").is_none() {
        return Err(Failure::new(
            format!("{name} is not installed, and tests of many servers start it"),
            format!("install it (on a Mac: brew install {formula}) and try again"),
        ));
    }
    step(
        &format!("{name}, which tests of many servers start (about half a minute)"),
        || apt_install(&[package]),
    )
}

fn redis_is_there() -> bool {
    let server = ["redis-server", "redis-check-rdb"]
        .iter()
        .any(|program| workspace::on_path(program).is_some());
    server && workspace::on_path("redis-cli").is_some()
}

fn postgres_is_there() -> bool {
    let in_folders = FOLDERS.iter().any(|folder| {
        let versions = Path::new(folder).read_dir().into_iter().flatten().flatten();
        versions
            .map(|version| version.path().join("bin/initdb"))
            .any(|program| program.is_file())
    });
    in_folders || workspace::on_path("initdb").is_some()
}
