//! Signing in by an account elsewhere: OpenID Connect, code flow with PKCE.
//!
//! What a browser brings back is believed only with the state, the nonce and the verifier that it was sent away with. They are
//! in a cookie of ours, so that any server can take it back. Every request to the provider has a deadline and follows no
//! redirect, and what a provider says counts only in the name of the issuer that was set.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AccessTokenHash, AsyncHttpClient, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _,
};
use sheaf_shared::people::{Email, Name};
use sheaf_shared::time::MonotonicMs;
use tokio::sync::Mutex;

use super::system::monotonic_now;
use crate::app::directory::identities::Identity;
use crate::config::{OidcSettings, PublicUrl};

/// The path that a provider sends browsers back to.
pub const RETURN_PATH: &str = "/api/oidc/return";
/// Longest time for one request to the provider.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Longest answer of the provider, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// How long, in milliseconds, it is believed what the provider said of itself: its keys change now and then.
const METADATA_MS: u64 = 10 * 60 * 1_000;

/// Why somebody did not come in. It repeats nothing that is secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OidcFault {
    /// The provider could not be asked, or said what makes no sense.
    #[error("the provider does not answer as it should: {0}")]
    Provider(String),
    /// This browser was not sent there, or too long ago, or somebody else's answer was put before it.
    #[error("the answer does not belong to this browser")]
    NotOurs,
    /// What the provider vouches for can't be believed.
    #[error("the provider's word can't be believed: {0}")]
    Unbelievable(String),
}

/// What a browser is sent away with.
#[derive(Clone, PartialEq, Eq)]
pub struct Away {
    state: String,
    nonce: String,
    verifier: String,
    /// The path it wants to see in the end.
    pub to: String,
}

/// Who came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The account elsewhere.
    pub identity: Identity,
    /// Its address, if the provider vouches for that.
    pub email: Option<Email>,
    /// What it is called.
    pub name: Option<Name>,
}

impl Away {
    /// As the value of a cookie.
    #[must_use]
    pub fn to_cookie(&self) -> String {
        let Self {
            state,
            nonce,
            verifier,
            to,
        } = self;
        let to = URL_SAFE_NO_PAD.encode(to);
        format!("{state}.{nonce}.{verifier}.{to}")
    }

    /// Out of the value of a cookie.
    #[must_use]
    pub fn of_cookie(value: &str) -> Option<Self> {
        let mut parts = value.split('.');
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let (state, nonce, verifier, to) = (next()?, next()?, next()?, next()?);
        let to = String::from_utf8(URL_SAFE_NO_PAD.decode(to).ok()?).ok()?;
        Some(Self {
            state: state.to_owned(),
            nonce: nonce.to_owned(),
            verifier: verifier.to_owned(),
            to: local_path(&to)?.to_owned(),
        })
    }
}

/// `raw` if it is a path of this site and of no other.
#[must_use]
pub fn local_path(raw: &str) -> Option<&str> {
    const PATH_BYTES_MAX: usize = 512;
    let is_local = raw.starts_with('/')
        && !raw[1..].starts_with(['/', '\\'])
        && raw.len() <= PATH_BYTES_MAX
        && raw
            .bytes()
            .all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
    is_local.then_some(raw)
}

type Known = Option<(MonotonicMs, Arc<CoreProviderMetadata>)>;

/// The provider that the settings name.
pub struct Oidc {
    settings: OidcSettings,
    returns_to: String,
    line: Line,
    known: Mutex<Known>,
}

macro_rules! client {
    ($self:ident, $metadata:expr) => {
        CoreClient::from_provider_metadata(
            CoreProviderMetadata::clone($metadata),
            ClientId::new($self.settings.client_id.clone()),
            $self
                .settings
                .client_secret()
                .map(|secret| ClientSecret::new(secret.to_owned())),
        )
        .set_redirect_uri(
            RedirectUrl::new($self.returns_to.clone())
                .map_err(|error| OidcFault::Provider(error.to_string()))?,
        )
    };
}

impl Oidc {
    /// It is asked for the first time when somebody comes.
    ///
    /// # Errors
    /// When the system's list of certificate authorities can't be read.
    pub fn of(settings: OidcSettings, public: &PublicUrl) -> std::io::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let line = Line {
            client: Client::builder(TokioExecutor::new()).build(connector),
            is_loopback: settings.is_loopback,
        };
        Ok(Self {
            settings,
            returns_to: public.of(RETURN_PATH),
            line,
            known: Mutex::default(),
        })
    }

    /// What people know it by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Whether it lets everyone in whom the provider knows.
    #[must_use]
    pub const fn lets_anyone_in(&self) -> bool {
        self.settings.anyone
    }

    /// The address to send a browser to that wants to see `to` in the end, and what to send it with.
    ///
    /// # Errors
    /// [`OidcFault::Provider`]
    pub async fn begin(&self, to: &str) -> Result<(String, Away), OidcFault> {
        let metadata = self.metadata().await?;
        let client = client!(self, &metadata);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let away = Away {
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            to: local_path(to).unwrap_or("/").to_owned(),
        };
        Ok((address.into(), away))
    }

    /// Takes a browser back that was sent away with `away` and brings `state` and `code`.
    ///
    /// # Errors
    /// [`OidcFault`]
    pub async fn finish(&self, away: &Away, state: &str, code: &str) -> Result<Arrived, OidcFault> {
        // Compared as they are: who could measure it has one try, at a state of this very browser.
        if away.state != state {
            return Err(OidcFault::NotOurs);
        }
        let metadata = self.metadata().await?;
        let client = client!(self, &metadata);
        let unbelievable = |what: &str| OidcFault::Unbelievable(what.to_owned());
        let asking = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|_| OidcFault::Provider("it names no place for codes".to_owned()))?
            .set_pkce_verifier(PkceCodeVerifier::new(away.verifier.clone()));
        let answer = asking
            .request_async(&self.line)
            .await
            .map_err(|_| unbelievable("it did not take the code"))?;
        let token = answer
            .id_token()
            .ok_or_else(|| unbelievable("it did not say who it is"))?;
        let verifier = client.id_token_verifier();
        let nonce = Nonce::new(away.nonce.clone());
        let claims = token
            .claims(&verifier, &nonce)
            .map_err(|error| OidcFault::Unbelievable(error.to_string()))?;
        if let Some(wanted) = claims.access_token_hash() {
            let algorithm = token
                .signing_alg()
                .map_err(|_| unbelievable("its signature"))?;
            let key = token
                .signing_key(&verifier)
                .map_err(|_| unbelievable("its signature"))?;
            let found = AccessTokenHash::from_token(answer.access_token(), algorithm, key)
                .map_err(|_| unbelievable("its signature"))?;
            if found != *wanted {
                return Err(unbelievable("the token is somebody else's"));
            }
        }
        let identity = Identity::parse(claims.issuer().as_str(), claims.subject().as_str())
            .map_err(|_| unbelievable("its name for the account"))?;
        let email = claims
            .email()
            .filter(|_| claims.email_verified() == Some(true))
            .and_then(|email| Email::parse(email.as_str()).ok());
        let name = claims
            .name()
            .and_then(|names| names.get(None))
            .and_then(|name| Name::parse(name.as_str()).ok());
        Ok(Arrived {
            identity,
            email,
            name,
        })
    }

    /// What the provider says of itself, not older than ten minutes.
    async fn metadata(&self) -> Result<Arc<CoreProviderMetadata>, OidcFault> {
        let mut known = self.known.lock().await;
        let now = monotonic_now();
        if let Some((at, metadata)) = &*known
            && now.ms_since(*at) < METADATA_MS
        {
            return Ok(Arc::clone(metadata));
        }
        let issuer = IssuerUrl::new(self.settings.issuer.clone())
            .map_err(|error| OidcFault::Provider(error.to_string()))?;
        let metadata = CoreProviderMetadata::discover_async(issuer, &self.line)
            .await
            .map_err(|error| OidcFault::Provider(error.to_string()))?;
        let metadata = Arc::new(metadata);
        *known = Some((now, Arc::clone(&metadata)));
        Ok(metadata)
    }
}

/// The way to the provider.
struct Line {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// It is on this machine, so it need not be encrypted.
    is_loopback: bool,
}

impl Line {
    /// One request to the provider. A redirect is an answer like any other, and none that is wanted.
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, AskFault> {
        let is_safe = request.uri().scheme_str() == Some("https") || self.is_loopback;
        if !is_safe {
            return Err(AskFault("it names a place without encryption"));
        }
        let asking = async {
            let request = request.map(|body| Full::new(Bytes::from(body)));
            let answer = self.client.request(request).await;
            let answer = answer.map_err(|_| AskFault("it could not be reached"))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|_| AskFault("its answer was cut short, or too long"))?;
            Ok(HttpResponse::from_parts(head, body.to_bytes().to_vec()))
        };
        tokio::time::timeout(ANSWER_WITHIN, asking)
            .await
            .map_err(|_| AskFault("it was too slow"))?
    }
}

impl<'c> AsyncHttpClient<'c> for Line {
    type Error = AskFault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, AskFault>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

/// Why the provider could not be asked.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0}")]
struct AskFault(&'static str);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_comes_back_to_this_site_only() {
        for path in ["/", "/p/abc?x=1#y", "/s/secret"] {
            assert_eq!(local_path(path), Some(path));
        }
        for path in [
            "",
            "p",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a b",
            "/a\nb",
            "/\u{e4}",
        ] {
            assert_eq!(local_path(path), None, "{path:?}");
        }
        assert_eq!(local_path(&format!("/{}", "a".repeat(600))), None);
    }

    #[test]
    fn what_a_browser_is_sent_away_with_comes_back_out_of_its_cookie() {
        let away = Away {
            state: "s_-1".to_owned(),
            nonce: "n".to_owned(),
            verifier: "v~".to_owned(),
            to: "/p/a.b?c=d".to_owned(),
        };
        let cookie = away.to_cookie();
        assert!(
            cookie
                .bytes()
                .all(|byte| (0x21..0x7f).contains(&byte) && !b";,\"\\".contains(&byte))
        );
        assert!(Away::of_cookie(&cookie).is_some_and(|read| read == away));
        for wrong in ["", "a", "a.b.c", "...", "a.b.c.%%%", "a.b.c.Ly9ldmls"] {
            assert!(Away::of_cookie(wrong).is_none(), "{wrong}");
        }
    }
}
