//! Where servers tell each other things.

use super::{Place, Problem, Secret, SecretNames};

/// The address of a Redis, or of some nodes of a Redis Cluster. It may hold a password, so it is never printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisUrl {
    nodes: Vec<Secret>,
    kind: RedisKind,
}

/// What is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisKind {
    /// One server, or what looks like one.
    Single,
    /// A cluster, of which some nodes are named.
    Cluster,
}

const SCHEMES: [(&str, &str, RedisKind); 4] = [
    ("redis://", "redis://", RedisKind::Single),
    ("rediss://", "rediss://", RedisKind::Single),
    ("redis+cluster://", "redis://", RedisKind::Cluster),
    ("rediss+cluster://", "rediss://", RedisKind::Cluster),
];

impl RedisUrl {
    /// Takes an address that begins as one of Redis does; whether it works shows when it is used. That of a cluster may
    /// name several nodes, with commas between.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let raw = raw.trim();
        let (rest, scheme, kind) = SCHEMES
            .iter()
            .find_map(|(begins, scheme, kind)| Some((raw.strip_prefix(begins)?, *scheme, *kind)))?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (format!("{login}@"), hosts),
            None => (String::new(), authority),
        };
        let hosts: Vec<&str> = match kind {
            RedisKind::Single => vec![hosts],
            RedisKind::Cluster => hosts.split(',').map(str::trim).collect(),
        };
        if hosts
            .iter()
            .any(|host| host.is_empty() || host.contains(','))
        {
            return None;
        }
        let node = |host: &&str| Secret::from(format!("{scheme}{login}{host}{path}").as_str());
        Some(Self {
            nodes: hosts.iter().map(node).collect(),
            kind,
        })
    }

    /// What is there.
    #[must_use]
    pub const fn kind(&self) -> RedisKind {
        self.kind
    }

    /// The address of each node, password and all.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(Secret::secret)
    }
}

/// How the address is given.
pub(super) const REDIS_URL: SecretNames = SecretNames {
    variable: "SHEAF_REDIS_URL",
    file_variable: "SHEAF_REDIS_URL_FILE",
};

/// The Redis that was named, if one was. An empty address counts as none.
///
/// # Errors
/// [`Problem`] when the address is none, or nobody is there to be told anything.
pub(super) fn redis(raw: Option<&Secret>, place: &Place) -> Result<Option<RedisUrl>, Problem> {
    let Some(raw) = raw.filter(|raw| !raw.secret().trim().is_empty()) else {
        return Ok(None);
    };
    let problem = |wrong: &str| Problem {
        variable: "SHEAF_REDIS_URL",
        // Whatever it is, it may hold a password.
        value: "…".to_owned(),
        wrong: wrong.to_owned(),
        example: "redis://:password@localhost:6379",
    };
    let url = RedisUrl::parse(raw.secret())
        .ok_or_else(|| problem("the address of a Redis server is wanted"))?;
    match place {
        Place::Database(_) => Ok(Some(url)),
        Place::Folder(_) => Err(problem(
            "only servers that share a database have something to tell each other; name it with SHEAF_DATABASE_URL",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, RawConfig};
    use super::*;

    fn nodes(raw: &str) -> Vec<String> {
        let url = RedisUrl::parse(raw).unwrap();
        url.secrets().map(str::to_owned).collect()
    }

    #[test]
    fn the_address_of_a_cluster_names_its_nodes() {
        assert_eq!(nodes("redis://localhost"), ["redis://localhost"]);
        assert_eq!(
            nodes("rediss+cluster://me:p@ss@a:1,b:2/?x=y"),
            ["rediss://me:p@ss@a:1/?x=y", "rediss://me:p@ss@b:2/?x=y"]
        );
        let is_cluster = |raw| RedisUrl::parse(raw).map(|url| url.kind());
        assert_eq!(is_cluster("redis://a"), Some(RedisKind::Single));
        assert_eq!(is_cluster("redis+cluster://a"), Some(RedisKind::Cluster));
        for wrong in [
            "",
            "redis://",
            "http://a",
            "redis://a,b",
            "redis+cluster://a,,b",
        ] {
            assert_eq!(is_cluster(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_password_in_the_address_of_redis_is_never_printed() {
        let raw = |redis: &str| RawConfig {
            database_url: Some("postgres://db/sheaf".into()),
            redis_url: Some(redis.into()),
            ..RawConfig::default()
        };
        let problems = Config::parse(&raw("reddis://:hunter2@cache")).unwrap_err();
        assert!(!problems[0].to_string().contains("hunter2"));
        let raw = raw("redis://:hunter2@cache");
        let config = Config::parse(&raw).unwrap();
        assert!(config.redis.is_some());
        assert!(!format!("{raw:?} {config:?}").contains("hunter2"));
    }

    #[test]
    fn redis_without_a_shared_database_is_a_mistake_and_an_empty_address_is_none() {
        let raw = RawConfig {
            redis_url: Some("redis://cache".into()),
            ..RawConfig::default()
        };
        let problems = Config::parse(&raw).unwrap_err();
        assert_eq!(problems[0].variable, "SHEAF_REDIS_URL");
        let raw = RawConfig {
            redis_url: Some(" ".into()),
            ..RawConfig::default()
        };
        assert_eq!(Config::parse(&raw).unwrap().redis, None);
    }
}
