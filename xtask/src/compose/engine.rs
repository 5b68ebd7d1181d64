//! The engine that runs containers: the one that is there, or Debian's, started for this run and ended with it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::machine::{BRIDGE, Machine};
use crate::command::{command, output_of, run, step, told};
use crate::failure::Failure;
use crate::setup::wasm_std::apt_install;
use crate::workspace;

/// Debian's packages: the engine, what starts several containers at once, and what makes a base image.
const PACKAGES: [&str; 4] = ["docker.io", "docker-compose", "iptables", "debootstrap"];
/// Longest wait for the engine's first answer.
const START_WITHIN: Duration = Duration::from_secs(60);
/// Longest wait for its end.
const END_WITHIN: Duration = Duration::from_secs(30);
/// Pause, in milliseconds, between two looks.
const LOOK_EVERY_MS: u64 = 100;

/// An engine that answers.
pub(super) struct Engine {
    own: Option<Own>,
    compose: Vec<&'static str>,
}

/// An engine of our own, with everything in a folder of the checkout.
struct Own {
    process: Child,
    socket: PathBuf,
    /// How the machine was before.
    before: Machine,
}

impl Engine {
    /// Finds one that runs, or installs and starts Debian's.
    pub(super) fn find_or_start() -> Result<Self, Failure> {
        if output_of(command("docker").arg("info")).is_some() {
            let compose = if output_of(command("docker").args(["compose", "version"])).is_some() {
                vec!["docker", "compose"]
            } else {
                vec!["docker-compose"]
            };
            return Ok(Self { own: None, compose });
        }
        if !cfg!(target_os = "linux") || workspace::on_path("apt-get").is_none() {
            return Err(Failure::new(
                "no engine for containers answers to `docker info`",
                "start Docker and try again",
            ));
        }
        if !PACKAGES_BRING.iter().all(|file| Path::new(file).exists()) {
            step("Debian's engine for containers", || apt_install(&PACKAGES))?;
        }
        Ok(Self {
            own: Some(Own::start()?),
            compose: vec!["docker-compose"],
        })
    }

    /// Whether nothing but this suite uses it, so that images may be called what they are not.
    pub(super) fn is_ours(&self) -> bool {
        self.own.is_some()
    }

    /// Ends an engine of our own; answers how the machine differs from what it was before that was started.
    pub(super) fn end(self) -> Vec<String> {
        let Some(own) = self.own else {
            return Vec::new();
        };
        let before = own.before.clone();
        drop(own);
        before.differences(&Machine::now())
    }

    /// Tells `command` which engine to speak with.
    pub(super) fn prepare(&self, command: &mut Command) {
        command
            .env("DOCKER_BUILDKIT", "1")
            .env("COMPOSE_DOCKER_CLI_BUILD", "1");
        if let Some(own) = &self.own {
            // Debian's client comes with the builder that its engine has; another one on the path may not.
            command
                .env("PATH", workspace::path_starting_with(&["/usr/bin".into()]))
                .env("DOCKER_HOST", format!("unix://{}", own.socket.display()));
        }
    }

    /// `docker`.
    pub(super) fn docker(&self, words: &[&str]) -> Command {
        let program = if self.is_ours() {
            "/usr/bin/docker"
        } else {
            "docker"
        };
        let mut docker = command(program);
        docker.args(words);
        self.prepare(&mut docker);
        docker
    }

    /// `docker compose`, under whichever name it has here.
    pub(super) fn compose(&self) -> Command {
        let mut words = self.compose.iter();
        let mut compose = command(words.next().copied().unwrap_or("docker"));
        compose.args(words);
        self.prepare(&mut compose);
        compose
    }

    /// The same as one would type it.
    pub(super) fn compose_words(&self) -> &[&'static str] {
        &self.compose
    }

    /// What `docker` prints.
    pub(super) fn ask(&self, words: &[&str]) -> Result<String, Failure> {
        self.read(&mut self.docker(words))
    }

    /// What `command` prints.
    pub(super) fn read(&self, command: &mut Command) -> Result<String, Failure> {
        output_of(command).ok_or_else(|| {
            Failure::new(
                format!("`{}` failed", told(command)),
                "run it by hand to see why",
            )
        })
    }
}

/// What is there once the packages are.
const PACKAGES_BRING: [&str; 4] = [
    "/usr/sbin/dockerd",
    "/usr/bin/docker-compose",
    "/usr/sbin/iptables",
    "/usr/sbin/debootstrap",
];

impl Own {
    fn start() -> Result<Self, Failure> {
        let folder = super::images::folder().join("engine");
        let failed = |cause: std::io::Error| {
            Failure::new(
                format!("the engine for containers could not be started: {cause}"),
                "as root, start `dockerd` by hand and try again",
            )
        };
        fs::create_dir_all(&folder).map_err(failed)?;
        // A path to a socket may have 107 bytes, and a checkout may lie deep.
        let socket = std::env::temp_dir().join(format!("sheaf-engine-{}.sock", std::process::id()));
        let log = folder.join("log");
        let before = Machine::now();
        let process = command("/usr/sbin/dockerd")
            .arg("--data-root")
            .arg(folder.join("data"))
            .arg("--exec-root")
            .arg(socket.with_extension("run"))
            .arg("--pidfile")
            .arg(socket.with_extension("pid"))
            .arg("--host")
            .arg(format!("unix://{}", socket.display()))
            // A published port of this machine needs no rule of the firewall, and the machine is not ours to change.
            .args([
                "--iptables=false",
                "--ip6tables=false",
                "--ip-forward=false",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).map_err(failed)?)
            .spawn()
            .map_err(failed)?;
        let mut own = Self {
            process,
            socket,
            before,
        };
        let until = Instant::now() + START_WITHIN;
        while !own.answers() {
            let is_gone = !matches!(own.process.try_wait(), Ok(None));
            if is_gone || Instant::now() > until {
                return Err(Failure::new(
                    "the engine for containers did not start",
                    format!("read what it says in {}", log.display()),
                ));
            }
            thread::sleep(Duration::from_millis(LOOK_EVERY_MS));
        }
        Ok(own)
    }

    fn answers(&self) -> bool {
        let mut info = command("/usr/bin/docker");
        info.arg("info")
            .env("DOCKER_HOST", format!("unix://{}", self.socket.display()));
        output_of(&mut info).is_some()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // Not killed: it has a child of its own to end.
        let id = self.process.id().to_string();
        drop(run(command("kill").args(["-TERM", &id]), ""));
        let until = Instant::now() + END_WITHIN;
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < until {
            thread::sleep(Duration::from_millis(LOOK_EVERY_MS));
        }
        drop(self.process.kill());
        drop(self.process.wait());
        drop(fs::remove_dir_all(self.socket.with_extension("run")));
        drop(fs::remove_file(&self.socket));
        if !self.before.has_bridge() {
            drop(output_of(command("ip").args(["link", "delete", BRIDGE])));
        }
    }
}
