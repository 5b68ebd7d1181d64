//! The server under load: started on one core by us or already running, its CPU time and memory read from the kernel.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server process the figures are about.
pub struct Server {
    pid: u32,
    child: Option<Child>,
}

/// CPU time and memory at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// When.
    pub at: Instant,
    /// User and system time since its start.
    pub cpu: Duration,
    /// Resident memory, in KiB.
    pub rss_kib: u64,
    /// The most of it since the start, or since [`Server::forget_peak`], in KiB.
    pub peak_kib: u64,
}

// USER_HZ is 100 on every Linux the figures are taken on.
const TICK: Duration = Duration::from_millis(10);

impl Server {
    /// Starts `command` (split at spaces) on core `core` and waits until `address` takes connections.
    ///
    /// # Errors
    /// When it cannot be started or does not listen within ten seconds.
    pub fn start(command: &str, core: usize, address: SocketAddr) -> io::Result<Self> {
        let child = Command::new("taskset")
            .args(["-c", &core.to_string()])
            .args(command.split_whitespace())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()?;
        let started = Instant::now();
        let server = Self {
            pid: child.id(),
            child: Some(child),
        };
        while TcpStream::connect(address).is_err() {
            if started.elapsed() > Duration::from_secs(10) {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the server does not listen",
                ));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    /// A server that somebody else started.
    #[must_use]
    pub const fn running(pid: u32) -> Self {
        Self { pid, child: None }
    }

    /// Its process's number.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// What the kernel says of it now. Zero when the process is gone.
    #[must_use]
    pub fn sample(&self) -> Sample {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |index: usize| {
            fields
                .get(index)
                .and_then(|field| field.parse::<u32>().ok())
                .unwrap_or(0)
        };
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let kib = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
                .unwrap_or(0)
        };
        Sample {
            at: Instant::now(),
            cpu: TICK * (ticks(11) + ticks(12)),
            rss_kib: kib("VmRSS:"),
            peak_kib: kib("VmHWM:"),
        }
    }

    /// From now on the most memory is counted anew.
    ///
    /// # Errors
    /// When the kernel does not allow it.
    pub fn forget_peak(&self) -> io::Result<()> {
        std::fs::write(format!("/proc/{}/clear_refs", self.pid), "5")
    }

    /// Whether it still runs: a process that has ended and was not waited for does not.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let after_name = stat
            .rsplit_once(')')
            .map_or("Z", |(_, rest)| rest.trim_start());
        !after_name.starts_with('Z')
    }

    /// Ends a server we started, politely, and waits for it.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        let asked = Command::new("kill")
            .args(["-TERM", &self.pid.to_string()])
            .status();
        let deadline = Instant::now() + Duration::from_secs(20);
        while asked.is_ok() && Instant::now() < deadline {
            if matches!(child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // It would not go; the figures are taken already.
        drop(child.kill());
        drop(child.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Share of one core used between two samples, in percent.
#[must_use]
pub fn cpu_percent(from: Sample, to: Sample) -> f64 {
    let wall = to.at.duration_since(from.at).as_secs_f64();
    100.0 * to.cpu.saturating_sub(from.cpu).as_secs_f64() / wall.max(1e-9)
}
