//! What an operator may tune: read once, checked once, and complained about all together.
//!
//! What both ends must agree on is not here but in `sheaf_shared::limits`.

mod blobs;
mod bus;
mod counts;
mod first_account;
mod network;
mod outside;
mod place;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use crate::adapters::passwords::Costs;

pub use blobs::{BlobsPlace, S3Url};
pub use bus::{RedisKind, RedisUrl};
use counts::{
    ADDRESS_RATE, AUDIT_DAYS, CONNECTIONS, Count, DRAIN, EXCHANGES, LOOPBACK_RATE, MEMORY,
    PER_ADDRESS, PER_LOOPBACK, THREADS,
};
pub use first_account::FirstAccount;
pub use network::Network;
pub use outside::{MailSettings, OidcSettings, Outside, PublicUrl, RawOutside};
pub use place::{DatabaseUrl, Place, Secret, SecretNames};

/// The settings of `sheaf serve`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Who may come in while there are no accounts.
    pub audience: Audience,
    /// Who makes the first account, other than people at this machine.
    pub first_account: FirstAccount,
    /// Proxies whose word counts for who asks and for how they came.
    pub trusted_proxies: Vec<Network>,
    /// Days for which it is kept who did what; 0: for ever.
    pub audit_days: usize,
    /// What checking a password costs. No setting: for tests of something else.
    pub password_costs: Costs,
    /// Milliseconds without an answer of the store after which guests are put out. No setting: for tests.
    pub guests_stay_ms: u64,
    /// Where everything is kept.
    pub place: Place,
    /// Where pictures and files are kept; nowhere if there is no folder and none was named.
    pub blobs: Option<BlobsPlace>,
    /// Where servers tell each other things.
    pub redis: Option<RedisUrl>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// The least serious log line shown.
    pub log_level: tracing::Level,
    /// Most open connections.
    pub connections_max: usize,
    /// Most open connections of one address.
    pub connections_per_address_max: usize,
    /// New connections of one address a second, in the long run; 0: any.
    pub connections_per_address_rate: usize,
    /// Most open connections of this machine itself (a proxy's all come from there).
    pub connections_per_loopback_max: usize,
    /// New connections of this machine itself a second, in the long run; 0: any.
    pub connections_per_loopback_rate: usize,
    /// Most exchanges over plain HTTP that are under way, those that wait for something to tell among them.
    pub exchanges_max: usize,
    /// Milliseconds over which clients are sent away when the server stops.
    pub drain_ms: u64,
    /// Bytes of memory that open documents may take together.
    pub rooms_bytes_max: usize,
    /// Origins that may open sockets besides the server's own.
    pub origins: Vec<String>,
    /// Names it answers to besides this machine's; if there are none and everyone may come in: to all.
    pub hosts: Vec<String>,
    /// Threads that work on documents and sockets.
    pub threads: usize,
    /// What leads here from outside, and from here to the outside.
    pub outside: Outside,
}

/// Who may come in while there are no accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// People at this machine.
    ThisMachine,
    /// Whoever reaches the port.
    Everyone,
    /// Nobody: until somebody has made the first account, there is only the page to do that.
    Accounts,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What was given on the command line or in the environment; `None`: neither.
#[derive(Clone, Debug, Default)]
pub struct RawConfig {
    /// `--listen`
    pub listen: Option<String>,
    /// `--data-dir`
    pub data_dir: Option<PathBuf>,
    /// `--database-url`
    pub database_url: Option<Secret>,
    /// `--database-url-file`
    pub database_url_file: Option<PathBuf>,
    /// `--blobs-url`
    pub blobs_url: Option<Secret>,
    /// `--blobs-url-file`
    pub blobs_url_file: Option<PathBuf>,
    /// `--redis-url`
    pub redis_url: Option<Secret>,
    /// `--redis-url-file`
    pub redis_url_file: Option<PathBuf>,
    /// `--open`
    pub open: bool,
    /// `--first-account`
    pub first_account: Option<String>,
    /// `--log-format`
    pub log_format: Option<String>,
    /// `--log-level`
    pub log_level: Option<String>,
    /// `--connections-max`
    pub connections_max: Option<String>,
    /// `--connections-per-address-max`
    pub connections_per_address_max: Option<String>,
    /// `--connections-per-address-rate`
    pub connections_per_address_rate: Option<String>,
    /// `--connections-per-loopback-max`
    pub connections_per_loopback_max: Option<String>,
    /// `--connections-per-loopback-rate`
    pub connections_per_loopback_rate: Option<String>,
    /// `--exchanges-max`
    pub exchanges_max: Option<String>,
    /// `--drain-seconds`
    pub drain_seconds: Option<String>,
    /// `--documents-memory-mib`
    pub documents_memory_mib: Option<String>,
    /// `--origin`
    pub origins: Vec<String>,
    /// `--host`
    pub hosts: Vec<String>,
    /// `--trusted-proxy`
    pub trusted_proxies: Vec<String>,
    /// `--audit-days`
    pub audit_days: Option<String>,
    /// `--threads`
    pub threads: Option<String>,
    /// `--public-url`, and what needs it.
    pub outside: RawOutside,
}

/// One thing wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable.
    pub variable: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong.
    pub wrong: String,
    /// A value that works.
    pub example: &'static str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            variable,
            value,
            wrong,
            example,
        } = self;
        write!(
            f,
            "{variable}={value}: {wrong} (for example {variable}={example})"
        )
    }
}

/// Default of `--listen`.
pub const LISTEN: &str = "127.0.0.1:8080";
/// Default of `--data-dir`.
pub const DATA_DIR: &str = "./sheaf-data";
/// Default of `--connections-max`.
pub const CONNECTIONS_MAX: usize = 16_384;
/// Default of `--connections-per-address-max`: a school or an office behind one address fits.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 1_024;
/// Default of `--connections-per-address-rate`: so many seconds in which everyone who may be connected may come anew, for ever.
/// After a restart all come at once, and load the page besides: a bucket holds four times as many as may be open.
pub const ALL_OF_AN_ADDRESS_ANEW_S: usize = 8;
/// Default of `--exchanges-max`: a page on a network without WebSockets has one that waits, and now and then another.
pub const EXCHANGES_MAX: usize = 4_096;
/// Default of `--drain-seconds`: under the 30 s after which most supervisors kill.
pub const DRAIN_S: usize = 15;
/// Default of `--audit-days`.
pub const AUDIT_KEPT_DAYS: usize = 365;
/// Without an answer of the store for so long, in milliseconds, those who came by share links are put out. Everyone else stays.
pub const GUESTS_STAY_MS: u64 = 60_000;
/// Default of `--documents-memory-mib`.
pub const DOCUMENTS_MEMORY_MIB: usize = 1_024;

impl Config {
    /// Reads all settings.
    ///
    /// # Errors
    /// Every [`Problem`] there is, not only the first.
    pub fn parse(raw: &RawConfig) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let listen = problems.listen(raw.listen.as_deref());
        let audience = match raw.open {
            true => Audience::Everyone,
            false if is_loopback(listen.ip()) => Audience::ThisMachine,
            false => Audience::Accounts,
        };
        let all = problems.count(&CONNECTIONS, raw.connections_max.as_deref());
        let per_address = problems.count(&PER_ADDRESS, raw.connections_per_address_max.as_deref());
        let place = problems.place(raw);
        let config = Self {
            outside: Outside::parse(&raw.outside, &mut problems.0),
            blobs: problems.blobs(raw, &place),
            redis: problems.redis(raw, &place),
            listen,
            audience,
            first_account: FirstAccount::parse(raw.first_account.as_deref(), &mut problems.0),
            trusted_proxies: problems.networks(&raw.trusted_proxies),
            audit_days: problems.count(&AUDIT_DAYS, raw.audit_days.as_deref()),
            password_costs: Costs::USUAL,
            guests_stay_ms: GUESTS_STAY_MS,
            place,
            log_format: problems.log_format(raw.log_format.as_deref()),
            log_level: problems.log_level(raw.log_level.as_deref()),
            connections_max: all,
            connections_per_address_max: per_address,
            connections_per_address_rate: match raw.connections_per_address_rate.as_deref() {
                Some(raw) => problems.count(&ADDRESS_RATE, Some(raw)),
                None => per_address.div_ceil(ALL_OF_AN_ADDRESS_ANEW_S),
            },
            connections_per_loopback_max: match raw.connections_per_loopback_max.as_deref() {
                Some(raw) => problems.count(&PER_LOOPBACK, Some(raw)),
                None => all,
            },
            connections_per_loopback_rate: problems
                .count(&LOOPBACK_RATE, raw.connections_per_loopback_rate.as_deref()),
            exchanges_max: problems.count(&EXCHANGES, raw.exchanges_max.as_deref()),
            drain_ms: problems.count(&DRAIN, raw.drain_seconds.as_deref()) as u64 * 1_000,
            rooms_bytes_max: problems
                .count(&MEMORY, raw.documents_memory_mib.as_deref())
                .saturating_mul(1024 * 1024),
            origins: problems.origins(&raw.origins),
            hosts: problems.hosts(&raw.hosts),
            threads: match raw.threads.as_deref() {
                Some(raw) => problems.count(&THREADS, Some(raw)),
                None => std::thread::available_parallelism().map_or(2, usize::from),
            },
        };
        if problems.0.is_empty() {
            Ok(config)
        } else {
            Err(problems.0)
        }
    }
}

/// Whether only this machine reaches `address`.
#[must_use]
pub fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
        }
    }
}

#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, variable: &'static str, value: &str, wrong: &str, example: &'static str) {
        let (value, wrong) = (value.to_owned(), wrong.to_owned());
        self.0.push(Problem {
            variable,
            value,
            wrong,
            example,
        });
    }

    fn read<T: FromStr>(
        &mut self,
        variable: &'static str,
        raw: Option<&str>,
        otherwise: T,
        wanted: &str,
        example: &'static str,
    ) -> T {
        let Some(raw) = raw else { return otherwise };
        raw.trim().parse().unwrap_or_else(|_| {
            self.add(variable, raw, wanted, example);
            otherwise
        })
    }

    fn count(&mut self, setting: &Count, raw: Option<&str>) -> usize {
        let Count {
            variable,
            default,
            min,
            max,
            example,
        } = *setting;
        let wanted = format!("a whole number from {min} to {max} is wanted");
        let count = self.read(variable, raw, default, &wanted, example);
        if !(min..=max).contains(&count) {
            self.add(variable, &count.to_string(), &wanted, example);
        }
        count
    }

    fn listen(&mut self, raw: Option<&str>) -> SocketAddr {
        let default = SocketAddr::from(([127, 0, 0, 1], 8080));
        let wanted = "an address and a port are wanted";
        self.read("SHEAF_LISTEN", raw, default, wanted, LISTEN)
    }

    fn networks(&mut self, raw: &[String]) -> Vec<Network> {
        let mut networks = Vec::new();
        for raw in raw.iter().filter(|raw| !raw.is_empty()) {
            match Network::parse(raw) {
                Some(network) => networks.push(network),
                None => self.add(
                    "SHEAF_TRUSTED_PROXIES",
                    raw,
                    "an address or a network is wanted",
                    "10.0.0.0/8",
                ),
            }
        }
        networks
    }

    fn place(&mut self, raw: &RawConfig) -> Place {
        let url_file = raw.database_url_file.as_deref();
        Place::parse(raw.data_dir.clone(), raw.database_url.as_ref(), url_file).unwrap_or_else(
            |problem| {
                self.0.push(problem);
                Place::Folder(DATA_DIR.into())
            },
        )
    }

    fn blobs(&mut self, raw: &RawConfig, place: &Place) -> Option<BlobsPlace> {
        let file = raw.blobs_url_file.as_deref();
        BlobsPlace::parse(place, raw.blobs_url.as_ref(), file).unwrap_or_else(|problem| {
            self.0.push(problem);
            None
        })
    }

    fn redis(&mut self, raw: &RawConfig, place: &Place) -> Option<RedisUrl> {
        let file = raw.redis_url_file.as_deref();
        let given = Secret::given(bus::REDIS_URL, raw.redis_url.as_ref(), file);
        let redis = given.and_then(|url| bus::redis(url.as_ref(), place));
        redis.unwrap_or_else(|problem| {
            self.0.push(problem);
            None
        })
    }

    fn log_level(&mut self, raw: Option<&str>) -> tracing::Level {
        let wanted = "one of error, warn, info, debug, trace is wanted";
        self.read("SHEAF_LOG_LEVEL", raw, tracing::Level::INFO, wanted, "info")
    }

    fn log_format(&mut self, raw: Option<&str>) -> LogFormat {
        match raw {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => {
                self.add("SHEAF_LOG_FORMAT", other, "text or json is wanted", "json");
                LogFormat::Text
            }
        }
    }

    fn hosts(&mut self, raw: &[String]) -> Vec<String> {
        let hosts = raw.iter().filter(|host| !host.is_empty());
        for host in hosts.clone() {
            let is_name = |part: char| part.is_ascii_alphanumeric() || ".-[:]".contains(part);
            let has_port = !host.starts_with('[') && host.contains(':');
            if has_port || !host.chars().all(is_name) {
                let wanted = "a name without scheme, port and path is wanted";
                self.add("SHEAF_HOSTS", host, wanted, "pages.example.org");
            }
        }
        hosts.cloned().collect()
    }

    fn origins(&mut self, raw: &[String]) -> Vec<String> {
        for origin in raw {
            let host = origin
                .strip_prefix("https://")
                .or_else(|| origin.strip_prefix("http://"));
            if host.is_none_or(|host| host.is_empty() || host.contains(['/', ' '])) {
                self.add(
                    "SHEAF_ORIGINS",
                    origin,
                    "a scheme and a host without a path are wanted",
                    "https://pages.example.org",
                );
            }
        }
        raw.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_any_setting_it_listens_on_loopback_only() {
        let config = Config::parse(&RawConfig::default()).unwrap();
        assert_eq!(config.listen.to_string(), LISTEN);
        assert_eq!(config.audience, Audience::ThisMachine);
    }

    #[test]
    fn all_problems_are_told_at_once_with_variable_value_and_example() {
        let raw = RawConfig {
            listen: Some("8080".into()),
            log_format: Some("xml".into()),
            log_level: Some("loud".into()),
            connections_max: Some("-3".into()),
            connections_per_address_max: Some("0".into()),
            drain_seconds: Some("soon".into()),
            origins: vec!["pages.example.org".into()],
            hosts: vec!["https://pages.example.org".into(), "pages:80".into()],
            trusted_proxies: vec!["proxy.example.org".into()],
            audit_days: Some("year".into()),
            first_account: Some("me".into()),
            ..RawConfig::default()
        };
        let problems = Config::parse(&raw).unwrap_err();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 12, "{told:#?}");
        for problem in &problems {
            let line = problem.to_string();
            assert!(
                line.starts_with(&format!("{}={}", problem.variable, problem.value)),
                "{line}"
            );
            assert!(line.contains("for example"), "{line}");
        }
    }

    #[test]
    fn beyond_loopback_nobody_comes_in_before_there_are_accounts_unless_everyone_shall() {
        for address in ["0.0.0.0:8080", "[::]:8080", "192.168.1.5:80"] {
            let raw = RawConfig {
                listen: Some(address.into()),
                ..RawConfig::default()
            };
            let config = Config::parse(&raw).unwrap();
            assert_eq!(config.audience, Audience::Accounts, "{address}");
            let raw = RawConfig { open: true, ..raw };
            assert_eq!(Config::parse(&raw).unwrap().audience, Audience::Everyone);
        }
        for address in [
            "127.0.0.1:0",
            "127.8.8.8:80",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:80",
        ] {
            let raw = RawConfig {
                listen: Some(address.into()),
                ..RawConfig::default()
            };
            let config = Config::parse(&raw).unwrap();
            assert_eq!(config.audience, Audience::ThisMachine, "{address}");
        }
    }
}
