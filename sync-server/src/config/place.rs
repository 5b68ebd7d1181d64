//! Where everything is kept.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::{DATA_DIR, Problem};

/// Longest file, in bytes, that is read for a secret.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

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

impl Secret {
    /// The text itself.
    pub(super) fn secret(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Where a secret may stand: in a variable, or in a file whose name stands in another one, as supervisors of
/// containers hand secrets over.
#[derive(Clone, Copy, Debug)]
pub struct SecretNames {
    /// The variable with the secret itself.
    pub variable: &'static str,
    /// The variable with the file's name.
    pub file_variable: &'static str,
}

impl Secret {
    /// The secret that was given in either way. An empty one counts as none: compose files pass on variables that
    /// are not set as empty ones.
    ///
    /// # Errors
    /// [`Problem`] when it was given twice, or the file cannot be read or holds nothing.
    pub fn given(
        names: SecretNames,
        text: Option<&Self>,
        file: Option<&Path>,
    ) -> Result<Option<Self>, Problem> {
        let text = text.map(|text| text.0.trim()).filter(|it| !it.is_empty());
        let file = file.filter(|file| !file.as_os_str().is_empty());
        let Some(file) = file else {
            return Ok(text.map(Self::from));
        };
        let problem = |wrong: String| Problem {
            variable: names.file_variable,
            value: file.display().to_string(),
            wrong,
            example: "/run/secrets/sheaf",
        };
        if text.is_some() {
            return Err(problem(format!(
                "{} is set too, and only one of them can hold",
                names.variable
            )));
        }
        let mut read = String::new();
        std::fs::File::open(file)
            .and_then(|opened| opened.take(SECRET_BYTES_MAX).read_to_string(&mut read))
            .map_err(|error| problem(format!("the file cannot be read: {error}")))?;
        match read.trim() {
            "" => Err(problem("the file holds nothing".to_owned())),
            secret => Ok(Some(secret.into())),
        }
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

/// How the address of the database is given.
const DATABASE_URL: SecretNames = SecretNames {
    variable: "SHEAF_DATABASE_URL",
    file_variable: "SHEAF_DATABASE_URL_FILE",
};

impl Place {
    /// A place as it stands on a command line: a folder, the address of a database, or `@FILE` with that in it.
    ///
    /// # Errors
    /// [`Problem`] when the file cannot be read, or holds no such address.
    pub fn named(name: &Path) -> Result<Self, Problem> {
        let text = name.to_str().unwrap_or_default();
        if let Some(url) = DatabaseUrl::parse(text) {
            return Ok(Self::Database(url));
        }
        match text.strip_prefix('@') {
            Some(file) if !file.is_empty() => Self::parse(None, None, Some(Path::new(file))),
            None if !text.is_empty() && !text.contains("://") => Ok(Self::Folder(name.to_owned())),
            Some(_) | None => Err(Problem {
                variable: "PLACE",
                // Whatever it is, it may hold a password.
                value: "…".to_owned(),
                wrong: "a folder, the address of a PostgreSQL database, or @FILE is wanted"
                    .to_owned(),
                example: "@/run/secrets/database-url",
            }),
        }
    }

    /// The database if one was named, in a variable or in a file, else the folder.
    ///
    /// # Errors
    /// [`Problem`] when the address is none, or not to be had.
    pub fn parse(
        data_dir: Option<PathBuf>,
        database_url: Option<&Secret>,
        database_url_file: Option<&Path>,
    ) -> Result<Self, Problem> {
        match Secret::given(DATABASE_URL, database_url, database_url_file)? {
            None => Ok(Self::Folder(data_dir.unwrap_or_else(|| DATA_DIR.into()))),
            Some(raw) => DatabaseUrl::parse(&raw.0)
                .map(Self::Database)
                .ok_or_else(|| Problem {
                    variable: DATABASE_URL.variable,
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

    #[test]
    fn the_address_of_the_database_may_stand_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("address");
        let parse = |text: Option<&str>, file: &Path| {
            let text = text.map(Secret::from);
            Place::parse(None, text.as_ref(), Some(file))
        };
        std::fs::write(&file, "postgres://sheaf:hunter2@db/sheaf\n").unwrap();
        let Ok(Place::Database(url)) = parse(None, &file) else {
            panic!("the file was not read");
        };
        assert_eq!(url.secret(), "postgres://sheaf:hunter2@db/sheaf");
        assert!(matches!(parse(None, Path::new("")), Ok(Place::Folder(_))));
        let twice = parse(Some("postgres://db/other"), &file).unwrap_err();
        assert!(twice.wrong.contains("only one"), "{twice}");
        let missing = parse(None, &folder.path().join("missing")).unwrap_err();
        assert!(missing.to_string().contains("missing"), "{missing}");
        std::fs::write(&file, " \n").unwrap();
        assert!(parse(None, &file).is_err(), "an empty file is no address");
        std::fs::write(&file, "mysql://sheaf:hunter2@db/sheaf").unwrap();
        let wrong = parse(None, &file).unwrap_err();
        assert!(!wrong.to_string().contains("hunter2"), "{wrong}");
    }

    #[test]
    fn a_place_is_a_folder_or_a_database_and_never_a_folder_with_the_name_of_a_wrong_address() {
        let named = |name: &str| Place::named(Path::new(name));
        assert_eq!(
            named("data/here").unwrap(),
            Place::Folder("data/here".into())
        );
        assert!(matches!(
            named("postgres://db/sheaf"),
            Ok(Place::Database(_))
        ));
        for wrong in [
            "",
            "@",
            "mysql://sheaf:hunter2@db/sheaf",
            "postgres://",
            "@/no/such/file",
        ] {
            let problem = named(wrong).unwrap_err().to_string();
            assert!(!problem.contains("hunter2"), "{wrong}: {problem}");
        }
    }
}
