//! Where pictures and files are kept.

use std::path::{Path, PathBuf};

use super::{Place, Problem, Secret, SecretNames};
use crate::adapters::blobs::FOLDER_NAME;

/// Where pictures and files are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobsPlace {
    /// In a folder of this machine.
    Folder(PathBuf),
    /// In a bucket of an S3-compatible store.
    S3(S3Url),
}

/// Where a bucket is, and who asks. It holds a password, so that is never printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Url {
    endpoint: String,
    bucket: String,
    prefix: String,
    region: String,
    key_id: Secret,
    secret_key: Secret,
}

/// The region of stores that have none.
const REGION: &str = "us-east-1";
const SCHEMES: [(&str, &str); 2] = [("s3://", "https://"), ("s3+http://", "http://")];
const EXAMPLE: &str = "s3://KEY:SECRET@s3.eu-west-1.amazonaws.com/my-bucket?region=eu-west-1";

impl S3Url {
    /// Takes `s3://KEY:SECRET@HOST[:PORT]/BUCKET[/PREFIX][?region=REGION]`; `s3+http://` without encryption.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let (rest, scheme) = SCHEMES
            .iter()
            .find_map(|(begins, scheme)| Some((raw.trim().strip_prefix(begins)?, scheme)))?;
        let (rest, region) = match rest.split_once('?') {
            Some((rest, query)) => (rest, query.strip_prefix("region=")?),
            None => (rest, REGION),
        };
        // A secret may hold a slash, a host may not hold an @.
        let (login, rest) = rest.rsplit_once('@')?;
        let (key_id, secret_key) = login.split_once(':')?;
        let (host, path) = rest.split_once('/')?;
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        let is_name = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part
                    .chars()
                    .all(|it| it.is_ascii_alphanumeric() || ".-_".contains(it))
        };
        let (key_id, secret_key) = (decoded(key_id)?, decoded(secret_key)?);
        let prefix = prefix.trim_end_matches('/');
        let is_host = !host.is_empty() && host.chars().all(|it| !it.is_whitespace());
        let is_prefix = prefix.is_empty() || prefix.split('/').all(is_name);
        let is_whole = is_host && is_name(bucket) && is_name(region) && is_prefix;
        (is_whole && !key_id.is_empty() && !secret_key.is_empty()).then(|| Self {
            endpoint: format!("{scheme}{host}"),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            region: region.to_owned(),
            key_id: key_id.as_str().into(),
            secret_key: secret_key.as_str().into(),
        })
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// What the name of each object begins with, without the slash behind it.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Who asks.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.key_id.secret()
    }

    /// What proves it.
    #[must_use]
    pub fn secret_key(&self) -> &str {
        self.secret_key.secret()
    }
}

/// `text` with `%2F` and the like read as what they stand for.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// How the address is given.
const BLOBS_URL: SecretNames = SecretNames {
    variable: "SHEAF_BLOBS_URL",
    file_variable: "SHEAF_BLOBS_URL_FILE",
};

impl BlobsPlace {
    /// The bucket if one was named, in a variable or in a file; else the folder inside the data folder. A database has no
    /// folder, so with one it is nowhere unless a bucket is named.
    ///
    /// # Errors
    /// [`Problem`] when the address is none, or not to be had.
    pub fn parse(
        place: &Place,
        url: Option<&Secret>,
        url_file: Option<&Path>,
    ) -> Result<Option<Self>, Problem> {
        let Some(raw) = Secret::given(BLOBS_URL, url, url_file)? else {
            return Ok(match place {
                Place::Folder(folder) => Some(Self::Folder(folder.join(FOLDER_NAME))),
                Place::Database(_) => None,
            });
        };
        let url = S3Url::parse(raw.secret()).ok_or_else(|| Problem {
            variable: BLOBS_URL.variable,
            // Whatever it is, it may hold a password.
            value: "…".to_owned(),
            wrong: "the address of a bucket is wanted, with a key and its secret".to_owned(),
            example: EXAMPLE,
        })?;
        Ok(Some(Self::S3(url)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_bucket_names_all_that_is_needed_and_prints_no_secret() {
        let url = S3Url::parse(EXAMPLE).unwrap();
        assert_eq!(url.endpoint(), "https://s3.eu-west-1.amazonaws.com");
        assert_eq!((url.bucket(), url.prefix()), ("my-bucket", ""));
        assert_eq!(url.region(), "eu-west-1");
        let url = "s3+http://k:hun%2Fter+2/@127.0.0.1:9000/files/of/sheaf/";
        let url = S3Url::parse(url).unwrap();
        assert_eq!(url.endpoint(), "http://127.0.0.1:9000");
        assert_eq!((url.bucket(), url.prefix()), ("files", "of/sheaf"));
        assert_eq!((url.key_id(), url.secret_key()), ("k", "hun/ter+2/"));
        assert_eq!(url.region(), REGION);
        assert!(!format!("{url:?}").contains("hun"), "{url:?}");
        for wrong in [
            "",
            "s3://",
            "s3://host/bucket",
            "s3://k:@host/bucket",
            "s3://k:s@host",
            "s3://k:s@host/",
            "s3://k:s@/bucket",
            "s3://k:s@host/bucket/../other",
            "s3://k:s@host/bucket?zone=a",
            "s3://k:%zz@host/bucket",
            "https://k:s@host/bucket",
        ] {
            assert_eq!(S3Url::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn blobs_lie_in_the_data_folder_unless_a_bucket_is_named() {
        let folder = Place::Folder("data".into());
        let in_folder = BlobsPlace::Folder("data/blobs".into());
        let blank = Secret::from(" ");
        for given in [None, Some(&blank)] {
            let place = BlobsPlace::parse(&folder, given, None).unwrap();
            assert_eq!(place, Some(in_folder.clone()));
        }
        let bucket = Secret::from(EXAMPLE);
        let place = BlobsPlace::parse(&folder, Some(&bucket), None);
        assert!(matches!(place, Ok(Some(BlobsPlace::S3(_)))));
        let wrong = Secret::from("s3://me:hunter2@host");
        let problem = BlobsPlace::parse(&folder, Some(&wrong), None).unwrap_err();
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
}
