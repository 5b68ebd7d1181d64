//! Where people find this installation from outside, and what needs to know: letters, and signing in by another account.

use std::path::PathBuf;

use lettre::message::Mailbox;
use sheaf_shared::people::Email;

use super::{Problem, Secret, SecretNames};

/// What leads here from outside, and from here to the outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outside {
    /// Where people find this installation, if that was said.
    pub public_url: Option<PublicUrl>,
    /// How letters are sent, if any are.
    pub mail: Option<MailSettings>,
    /// By whose accounts people sign in, too.
    pub oidc: Option<OidcSettings>,
}

/// What was given of it; `None`: nothing.
#[derive(Clone, Debug, Default)]
pub struct RawOutside {
    /// `--public-url`
    pub public_url: Option<String>,
    /// `--smtp-url`
    pub smtp_url: Option<Secret>,
    /// `--smtp-url-file`
    pub smtp_url_file: Option<PathBuf>,
    /// `--mail-from`
    pub mail_from: Option<String>,
    /// `--oidc-issuer`
    pub oidc_issuer: Option<String>,
    /// `--oidc-client-id`
    pub oidc_client_id: Option<String>,
    /// `--oidc-client-secret`
    pub oidc_client_secret: Option<Secret>,
    /// `--oidc-client-secret-file`
    pub oidc_client_secret_file: Option<PathBuf>,
    /// `--oidc-name`
    pub oidc_name: Option<String>,
    /// `--oidc-anyone`
    pub oidc_anyone: bool,
}

impl Outside {
    pub(crate) fn parse(raw: &RawOutside, problems: &mut Vec<Problem>) -> Self {
        let said = raw.public_url.as_deref().unwrap_or_default();
        let public_url = PublicUrl::parse(said);
        if public_url.is_none() && !said.trim().is_empty() {
            problems.push(Problem {
                variable: "SHEAF_PUBLIC_URL",
                value: said.to_owned(),
                wrong: "an address with https and nothing behind the host is wanted".to_owned(),
                example: "https://sheaf.example.org",
            });
        }
        let url = Secret::given(
            SMTP_URL,
            raw.smtp_url.as_ref(),
            raw.smtp_url_file.as_deref(),
        );
        let from = raw.mail_from.as_deref();
        let mail = url.and_then(|url| mail(url.as_ref(), from, public_url.as_ref()));
        let secret = Secret::given(
            OIDC_CLIENT_SECRET,
            raw.oidc_client_secret.as_ref(),
            raw.oidc_client_secret_file.as_deref(),
        );
        let oidc = secret.and_then(|secret| oidc(raw, secret, public_url.as_ref()));
        let mut or_problem = |problem| problems.push(problem);
        Self {
            mail: mail.unwrap_or_else(|problem| {
                or_problem(problem);
                None
            }),
            oidc: oidc.unwrap_or_else(|problem| {
                or_problem(problem);
                None
            }),
            public_url,
        }
    }
}

/// The address at which people open Sheaf: a scheme, a host, and a port if it is not the usual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Takes `https://HOST[:PORT]`, or `http://` for this machine itself, with or without a last slash.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let url = raw.trim().trim_end_matches('/');
        let uri: http::Uri = url.parse().ok()?;
        let host = uri.host()?;
        let is_bare = uri.authority()?.as_str() == url.split_once("://")?.1;
        let is_safe = match uri.scheme_str()? {
            "https" => true,
            "http" => is_this_machine(host),
            _ => false,
        };
        (is_bare && is_safe && !uri.authority()?.as_str().contains('@'))
            .then(|| Self(url.to_owned()))
    }

    /// It, without a last slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The whole address of a path here.
    #[must_use]
    pub fn of(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse().is_ok_and(super::is_loopback)
}

/// How letters are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettings {
    /// The mail server, as its library reads it.
    url: Secret,
    /// The address they come from.
    pub from: Email,
    /// The name they come from.
    pub name: String,
}

const SMTP_EXAMPLE: &str = "smtps://name:password@mail.example.org";

impl MailSettings {
    /// The mail server's address, password and all.
    #[must_use]
    pub(crate) fn url(&self) -> &str {
        self.url.secret()
    }

    fn parse(url: &Secret, from: Option<&str>) -> Result<Self, Problem> {
        let problem = |variable, value: &str, wrong: &str, example| Problem {
            variable,
            value: value.to_owned(),
            wrong: wrong.to_owned(),
            example,
        };
        // Whatever it is, it may hold a password.
        let wrong_url = |wrong| problem(SMTP_URL.variable, "…", wrong, SMTP_EXAMPLE);
        let url = encrypted(url.secret()).ok_or_else(|| {
            wrong_url("the address of a mail server is wanted, smtps:// or smtp://")
        })?;
        let from = from.map(str::trim).unwrap_or_default();
        let wrong_from = || {
            let wrong = "the address that letters come from is wanted";
            problem("SHEAF_MAIL_FROM", from, wrong, "Sheaf <sheaf@example.org>")
        };
        let mailbox: Mailbox = from.parse().map_err(|_| wrong_from())?;
        let address: &str = mailbox.email.as_ref();
        Ok(Self {
            url,
            from: Email::parse(address).map_err(|_| wrong_from())?,
            name: mailbox.name.unwrap_or_else(|| "Sheaf".to_owned()),
        })
    }
}

/// The address of a mail server with encryption asked for: `smtp://` begins in the clear and must become encrypted, unless the
/// server is on this machine or `?tls=none` says that the way to it is safe.
fn encrypted(raw: &str) -> Option<Secret> {
    let raw = raw.trim();
    let (bare, query) = raw.split_once('?').unwrap_or((raw, ""));
    let (scheme, rest) = bare.split_once("://")?;
    let authority = rest.split('/').next()?;
    let host_port = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = match host_port.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host_port,
    };
    if host.is_empty() {
        return None;
    }
    let url = match (scheme, query) {
        ("smtps", "") | ("smtp", "tls=none") => bare.to_owned(),
        ("smtp", "") if is_this_machine(host) => bare.to_owned(),
        ("smtp", "" | "tls=required") => format!("{bare}?tls=required"),
        _ => return None,
    };
    Some(url.as_str().into())
}

/// How the mail server's address is given.
const SMTP_URL: SecretNames = SecretNames {
    variable: "SHEAF_SMTP_URL",
    file_variable: "SHEAF_SMTP_URL_FILE",
};

/// How letters are sent, if that was said.
///
/// # Errors
/// [`Problem`]
fn mail(
    url: Option<&Secret>,
    from: Option<&str>,
    public: Option<&PublicUrl>,
) -> Result<Option<MailSettings>, Problem> {
    let Some(url) = url else { return Ok(None) };
    needs_public_url(public, "letters hold addresses that lead here")?;
    MailSettings::parse(url, from).map(Some)
}

/// The provider by whose accounts people sign in, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcSettings {
    /// Its address, compared byte for byte with what it calls itself.
    pub issuer: String,
    /// What this installation is called there.
    pub client_id: String,
    client_secret: Option<Secret>,
    /// What people know it by.
    pub name: String,
    /// Whether everyone it knows gets an account here.
    pub anyone: bool,
    /// It runs on this machine, so nobody listens in.
    pub is_loopback: bool,
}

/// How the provider's secret is given.
const OIDC_CLIENT_SECRET: SecretNames = SecretNames {
    variable: "SHEAF_OIDC_CLIENT_SECRET",
    file_variable: "SHEAF_OIDC_CLIENT_SECRET_FILE",
};

impl OidcSettings {
    /// The password of this installation there, if it has one.
    #[must_use]
    pub(crate) fn client_secret(&self) -> Option<&str> {
        self.client_secret.as_ref().map(Secret::secret)
    }
}

/// The provider, if one was named.
///
/// # Errors
/// [`Problem`]
fn oidc(
    raw: &RawOutside,
    client_secret: Option<Secret>,
    public: Option<&PublicUrl>,
) -> Result<Option<OidcSettings>, Problem> {
    let given = |text: Option<&str>| {
        let text = text.map(str::trim).unwrap_or_default();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let Some(issuer) = given(raw.oidc_issuer.as_deref()) else {
        return Ok(None);
    };
    needs_public_url(public, "the provider sends people back there")?;
    let uri: Option<http::Uri> = issuer.parse().ok();
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
    let is_loopback = is_this_machine(host);
    let is_safe = match uri.as_ref().and_then(http::Uri::scheme_str) {
        Some("https") => !host.is_empty(),
        Some("http") => is_loopback,
        _ => false,
    };
    if !is_safe {
        return Err(Problem {
            variable: "SHEAF_OIDC_ISSUER",
            value: issuer,
            wrong: "the provider's address is wanted, with https".to_owned(),
            example: "https://accounts.example.org",
        });
    }
    let client_id = given(raw.oidc_client_id.as_deref()).ok_or_else(|| Problem {
        variable: "SHEAF_OIDC_CLIENT_ID",
        value: String::new(),
        wrong: "it must be set: what this installation is called at the provider".to_owned(),
        example: "sheaf",
    })?;
    Ok(Some(OidcSettings {
        issuer,
        client_id,
        client_secret,
        name: given(raw.oidc_name.as_deref()).unwrap_or_else(|| host.to_owned()),
        anyone: raw.oidc_anyone,
        is_loopback,
    }))
}

/// What must be known to send people back here.
fn needs_public_url(public: Option<&PublicUrl>, why: &str) -> Result<(), Problem> {
    if public.is_some() {
        return Ok(());
    }
    Err(Problem {
        variable: "SHEAF_PUBLIC_URL",
        value: String::new(),
        wrong: format!("it must be set: {why}"),
        example: "https://sheaf.example.org",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_address_is_a_bare_origin_that_nobody_can_listen_in_on() {
        for (raw, url) in [
            ("https://sheaf.example.org/", "https://sheaf.example.org"),
            (
                "https://sheaf.example.org:8443",
                "https://sheaf.example.org:8443",
            ),
            (" http://127.0.0.1:8080 ", "http://127.0.0.1:8080"),
            ("http://localhost", "http://localhost"),
            ("http://[::1]:9", "http://[::1]:9"),
        ] {
            let parsed = PublicUrl::parse(raw);
            assert_eq!(parsed.as_ref().map(PublicUrl::as_str), Some(url), "{raw}");
        }
        for raw in [
            "",
            "sheaf.example.org",
            "http://sheaf.example.org",
            "https://sheaf.example.org/path",
            "https://a@sheaf.example.org",
            "ftp://sheaf.example.org",
            "https://",
            "https://sheaf.example.org?x",
        ] {
            assert_eq!(PublicUrl::parse(raw), None, "{raw}");
        }
    }

    #[test]
    fn passwords_go_to_a_mail_server_only_encrypted_unless_that_is_said() {
        for (raw, url) in [
            (
                "smtps://me:pw@mail.example",
                Some("smtps://me:pw@mail.example"),
            ),
            (
                "smtp://me:p@w@mail.example:587",
                Some("smtp://me:p@w@mail.example:587?tls=required"),
            ),
            (
                "smtp://mail.example?tls=required",
                Some("smtp://mail.example?tls=required"),
            ),
            ("smtp://mail.example?tls=none", Some("smtp://mail.example")),
            ("smtp://127.0.0.1:25", Some("smtp://127.0.0.1:25")),
            ("smtp://[::1]:25", Some("smtp://[::1]:25")),
            ("smtp://mail.example?tls=opportunistic", None),
            ("smtp://", None),
            ("http://mail.example", None),
            ("mail.example", None),
        ] {
            let parsed = encrypted(raw);
            assert_eq!(parsed.as_ref().map(Secret::secret), url, "{raw}");
        }
    }

    #[test]
    fn letters_need_a_sender_and_an_address_to_lead_to() {
        let url = Secret::from("smtp://localhost");
        let public = PublicUrl::parse("https://sheaf.example").unwrap();
        let said = mail(
            Some(&url),
            Some("The Team <team@example.org>"),
            Some(&public),
        );
        let settings = said.unwrap().unwrap();
        assert_eq!(
            (settings.from.as_str(), settings.name.as_str()),
            ("team@example.org", "The Team")
        );
        assert!(!format!("{settings:?}").contains("localhost"));
        assert_eq!(mail(None, None, None), Ok(None));
        let missing = |from, public| mail(Some(&url), from, public).unwrap_err().variable;
        assert_eq!(missing(Some("team@example.org"), None), "SHEAF_PUBLIC_URL");
        for wrong in [None, Some(""), Some("nobody")] {
            assert_eq!(missing(wrong, Some(&public)), "SHEAF_MAIL_FROM");
        }
    }

    #[test]
    fn a_provider_is_named_by_an_address_with_encryption_and_by_what_we_are_called_there() {
        let raw = |issuer: &str| RawOutside {
            public_url: Some("https://sheaf.example".to_owned()),
            oidc_issuer: Some(issuer.to_owned()),
            oidc_client_id: Some("sheaf".to_owned()),
            oidc_client_secret: Some("hidden".into()),
            ..RawOutside::default()
        };
        let read = |raw: &RawOutside| {
            let mut problems = Vec::new();
            let outside = Outside::parse(raw, &mut problems);
            let wrong: Vec<&str> = problems.iter().map(|problem| problem.variable).collect();
            (outside.oidc, wrong)
        };
        let (oidc, wrong) = read(&raw("https://accounts.example/realm"));
        let oidc = oidc.unwrap();
        assert!(wrong.is_empty());
        assert_eq!(
            (oidc.issuer.as_str(), oidc.name.as_str()),
            ("https://accounts.example/realm", "accounts.example")
        );
        assert!(!format!("{oidc:?}").contains("hidden"));
        assert!(read(&raw("http://127.0.0.1:9")).0.unwrap().is_loopback);
        for issuer in ["http://accounts.example", "accounts.example", "https://"] {
            assert_eq!(read(&raw(issuer)).1, ["SHEAF_OIDC_ISSUER"], "{issuer}");
        }
        let unnamed = RawOutside {
            oidc_client_id: None,
            ..raw("https://a.example")
        };
        assert_eq!(read(&unnamed).1, ["SHEAF_OIDC_CLIENT_ID"]);
        let nowhere = RawOutside {
            public_url: None,
            ..raw("https://a.example")
        };
        assert_eq!(read(&nowhere).1, ["SHEAF_PUBLIC_URL"]);
        assert_eq!(read(&RawOutside::default()), (None, Vec::new()));
    }
}
