//! The built page: embedded in a release build, read from `dist/` in a debug build.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::Site;

/// The page's files as the build found them; empty in a debug build.
static EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

const INDEX: &str = "index.html";

/// Said on `/` when the page was not built.
const NOT_BUILT: &str = "Sheaf is running, but its page was not built.\n\
    Build it with `cargo xtask run`, or, for a release: `cargo xtask build` before `cargo build --release`.\n";

/// A year: the name changes when the content does.
const CACHE_FOREVER: &str = "public, max-age=31536000, immutable";
/// Kept, but asked about each time; an ETag makes the answer short.
const CACHE_ASKING: &str = "no-cache";

struct Asset {
    plain: Bytes,
    brotli: Option<Bytes>,
    kind: HeaderValue,
    etag: String,
    cache: HeaderValue,
}

/// Every file of the page, and the policy its scripts need.
struct Table {
    files: HashMap<String, Asset>,
    policy: HeaderValue,
}

/// Where the page comes from.
pub struct Assets {
    folder: Option<PathBuf>,
    table: RwLock<(Option<SystemTime>, Arc<Table>)>,
}

impl Assets {
    /// The page inside the program; in a debug build, the page in the repository's `dist/`.
    #[must_use]
    pub fn of_this_build() -> Self {
        if cfg!(debug_assertions) && EMBEDDED.is_empty() {
            Self::in_folder(Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist"))
        } else {
            let files = EMBEDDED
                .iter()
                .map(|(name, bytes)| ((*name).to_owned(), Bytes::from_static(bytes)));
            let table = Arc::new(Table::of(files.collect()));
            Self {
                folder: None,
                table: RwLock::new((None, table)),
            }
        }
    }

    /// The page in a folder; read again when its `index.html` changes.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        let table = Arc::new(Table::of(HashMap::new()));
        Self {
            folder: Some(folder),
            table: RwLock::new((None, table)),
        }
    }

    fn table(&self) -> Arc<Table> {
        let Some(folder) = &self.folder else {
            return Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner).1);
        };
        let changed = std::fs::metadata(folder.join(INDEX))
            .and_then(|index| index.modified())
            .ok();
        {
            let known = self.table.read().unwrap_or_else(PoisonError::into_inner);
            if known.0 == changed {
                return Arc::clone(&known.1);
            }
        }
        let mut files = HashMap::new();
        if let Err(error) = read_folder(folder, folder, &mut files) {
            tracing::warn!(%error, "Could not read the built page");
        }
        let table = Arc::new(Table::of(files));
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = (changed, Arc::clone(&table));
        table
    }

    /// The content security policy of every answer.
    pub(super) fn policy(&self) -> HeaderValue {
        self.table().policy.clone()
    }
}

fn read_folder(
    root: &Path,
    folder: &Path,
    files: &mut HashMap<String, Bytes>,
) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_folder(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            let name = name.to_string_lossy().replace('\\', "/");
            files.insert(name, std::fs::read(&path)?.into());
        }
    }
    Ok(())
}

impl Table {
    fn of(mut found: HashMap<String, Bytes>) -> Self {
        let scripts = found
            .get(INDEX)
            .map(|index| inline_script_hashes(index))
            .unwrap_or_default();
        let compressed: HashMap<String, Bytes> =
            found.extract_if(|name, _| name.ends_with(".br")).collect();
        let files = found
            .into_iter()
            .map(|(name, plain)| {
                let brotli = compressed.get(&format!("{name}.br")).cloned();
                // A compressed copy that is older than its file must not be served in its place.
                let asset = Asset {
                    kind: HeaderValue::from_static(kind_of(&name)),
                    etag: etag_of(&plain),
                    cache: HeaderValue::from_static(if is_hashed(&name) {
                        CACHE_FOREVER
                    } else {
                        CACHE_ASKING
                    }),
                    brotli: brotli.filter(|brotli| brotli.len() < plain.len()),
                    plain,
                };
                (name, asset)
            })
            .collect();
        Self {
            files,
            policy: policy_with(&scripts),
        }
    }
}

/// Answers with a file of the page; with the page itself for addresses that are places inside it.
pub(super) async fn serve(State(site): State<Site>, uri: Uri, headers: HeaderMap) -> Response {
    let table = site.assets.table();
    let path = uri.path().trim_start_matches('/');
    if let Some(asset) = table.files.get(path) {
        return answer(asset, &headers);
    }
    match (is_place(path), table.files.get(INDEX)) {
        (true, Some(index)) => answer(index, &headers),
        (true, None) => (StatusCode::SERVICE_UNAVAILABLE, NOT_BUILT).into_response(),
        (false, _) => (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response(),
    }
}

/// First parts of addresses that are places inside the app: its pages, and the screens of accounts.
const PLACES: [&str; 9] = [
    "p", "bin", "welcome", "sign-in", "join", "reset", "s", "settings", "admin",
];

/// Whether an address is a place inside the app rather than a file.
fn is_place(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    path.is_empty() || PLACES.contains(&first)
}

fn answer(asset: &Asset, asked: &HeaderMap) -> Response {
    let body = match &asset.brotli {
        Some(brotli) if accepts_brotli(asked) => (brotli.clone(), "br"),
        Some(_) | None => (asset.plain.clone(), "identity"),
    };
    // A weak tag of the plain content: the same for both codings.
    let known = asked
        .get(header::IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok());
    let unchanged = known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == asset.etag));
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = body.0.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, asset.kind.clone());
        if body.1 != "identity" {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(body.1));
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, asset.cache.clone());
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::from_str(&asset.etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

fn accepts_brotli(asked: &HeaderMap) -> bool {
    asked
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let is_brotli = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("br"));
            let refused = parts.any(|part| {
                part.strip_prefix("q=")
                    .is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
            });
            is_brotli && !refused
        })
}

fn etag_of(bytes: &[u8]) -> String {
    let mut tag = String::from("W/\"");
    for byte in &Sha256::digest(bytes)[..12] {
        // Writing to a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// Whether a file's name holds a hash of its content, as the page's build gives it.
fn is_hashed(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let stem = file.split('.').next().unwrap_or(file);
    let stem = stem.strip_suffix("_bg").unwrap_or(stem);
    let Some((_, hash)) = stem.rsplit_once('-') else {
        return false;
    };
    let hex = hash.len() >= 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let base32 = hash.len() == 8
        && hash
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    hex || base32
}

fn kind_of(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Nothing but ourselves; of inline scripts only those the page was built with.
fn policy_with(script_hashes: &[String]) -> HeaderValue {
    let mut scripts = String::from("'self' 'wasm-unsafe-eval'");
    for hash in script_hashes {
        let _ = write!(scripts, " 'sha256-{hash}'");
    }
    let policy = format!(
        "default-src 'none'; script-src {scripts}; style-src 'self'; font-src 'self'; \
         img-src 'self' data: blob: https:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Hashes of the scripts that stand in the page itself, as the policy wants them.
fn inline_script_hashes(page: &[u8]) -> Vec<String> {
    let page = String::from_utf8_lossy(page);
    let mut hashes = Vec::new();
    let mut rest = &page[..];
    while let Some(start) = rest.find("<script") {
        rest = &rest[start..];
        let Some((tag, after)) = rest.split_once('>') else {
            break;
        };
        let Some((script, after)) = after.split_once("</script>") else {
            break;
        };
        if !tag.contains("src=") && !script.is_empty() {
            hashes.push(STANDARD.encode(Sha256::digest(script.as_bytes())));
        }
        rest = after;
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_change_with_the_content_are_kept_for_ever() {
        for name in [
            "sheaf-frontend-6f0b2c81d3a94e57_bg.wasm",
            "a/editor-X7KQ2MPL.js",
            "base-0123456789abcdef.css",
        ] {
            assert!(is_hashed(name), "{name}");
        }
        for name in [
            "index.html",
            "service-worker.js",
            "icon-192.png",
            "icon-maskable.svg",
            "editor-surface.js",
        ] {
            assert!(!is_hashed(name), "{name}");
        }
    }

    #[test]
    fn the_policy_allows_the_pages_own_inline_scripts_and_no_others() {
        let page =
            b"<script type=\"module\">boot()</script><script src=\"/x.js\"></script><p>hi</p>";
        let hashes = inline_script_hashes(page);
        assert_eq!(hashes, [STANDARD.encode(Sha256::digest(b"boot()"))]);
        let policy = policy_with(&hashes);
        let policy = policy.to_str().unwrap();
        assert!(
            policy.contains(&format!("'sha256-{}'", hashes[0])),
            "{policy}"
        );
        assert!(!policy.contains("unsafe-inline"));
        assert_eq!(
            inline_script_hashes(b"<script>unclosed"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn brotli_is_sent_only_to_those_who_take_it() {
        let accepts = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            accepts_brotli(&headers)
        };
        assert!(accepts("gzip, deflate, br, zstd"));
        assert!(accepts("br;q=0.5"));
        assert!(!accepts("gzip"));
        assert!(!accepts("br;q=0"));
        assert!(!accepts("brotli"));
    }
}
