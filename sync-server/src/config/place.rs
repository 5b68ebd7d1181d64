//! Where everything is kept.

use std::fmt;
use std::path::PathBuf;

use super::{DATA_DIR, Problem};

/// Where everything is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a folder of this machine, for one server.
    Folder(PathBuf),
    /// In a PostgreSQL database that several servers share.
    Database(DatabaseUrl),
}

/// A text that is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The address of a PostgreSQL database. It may hold a password, so it is never printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl(Secret);

impl DatabaseUrl {
    /// Takes an address that begins as one of PostgreSQL does; whether it works shows when it is used.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let raw = raw.trim();
        ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| raw.len() > scheme.len() && raw.starts_with(scheme))
            .then(|| Self(raw.into()))
    }

    /// The address, password and all.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0.0
    }
}

impl Place {
    /// The database if one was named, else the folder. An empty address counts as none: compose files pass on
    /// variables that are not set as empty ones.
    ///
    /// # Errors
    /// [`Problem`] when the address is none.
    pub fn parse(
        data_dir: Option<PathBuf>,
        database_url: Option<&Secret>,
    ) -> Result<Self, Problem> {
        let url = database_url.map(|url| url.0.trim());
        match url.filter(|url| !url.is_empty()) {
            None => Ok(Self::Folder(data_dir.unwrap_or_else(|| DATA_DIR.into()))),
            Some(raw) => DatabaseUrl::parse(raw)
                .map(Self::Database)
                .ok_or_else(|| Problem {
                    variable: "SHEAF_DATABASE_URL",
                    // Whatever it is, it may hold a password.
                    value: "…".to_owned(),
                    wrong: "the address of a PostgreSQL database is wanted".to_owned(),
                    example: "postgres://sheaf:password@localhost:5432/sheaf",
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, RawConfig};
    use super::*;

    #[test]
    fn a_password_in_the_address_of_the_database_is_never_printed() {
        let raw = RawConfig {
            database_url: Some("mysql://sheaf:hunter2@db/sheaf".into()),
            ..RawConfig::default()
        };
        let problems = Config::parse(&raw).unwrap_err();
        assert!(
            !problems[0].to_string().contains("hunter2"),
            "{}",
            problems[0]
        );
        let raw = RawConfig {
            database_url: Some("postgres://sheaf:hunter2@db/sheaf".into()),
            ..RawConfig::default()
        };
        let config = Config::parse(&raw).unwrap();
        assert!(matches!(config.place, Place::Database(_)));
        assert!(!format!("{raw:?} {config:?}").contains("hunter2"));
    }

    #[test]
    fn an_empty_address_of_the_database_is_none() {
        let raw = RawConfig {
            database_url: Some(" ".into()),
            data_dir: Some("here".into()),
            ..RawConfig::default()
        };
        let place = Config::parse(&raw).unwrap().place;
        assert_eq!(place, Place::Folder("here".into()));
    }
}
