//! Clocks and limits of the operating system.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sheaf_shared::time::{MonotonicMs, UnixMs};

/// Milliseconds since the program first asked.
#[must_use]
pub fn monotonic_now() -> MonotonicMs {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    MonotonicMs(u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// What the wall clock says; 0 if it stands before 1970.
#[must_use]
pub fn unix_now() -> UnixMs {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Lets the process open as many files as it is allowed to, and answers how many that is.
///
/// Every connection is an open file, and many systems start programs with 1,024.
#[must_use]
pub fn raise_open_files() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let raised = setrlimit(Resource::Nofile, wanted).is_ok();
    let now = if raised { limit.maximum } else { limit.current };
    now.unwrap_or(u64::MAX)
}
