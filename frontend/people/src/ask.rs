//! Asking the server: what is sent, what comes back, and what is said when it is not what was hoped for.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sheaf_shared::api::{Error, ErrorWord};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestInit, Response};

/// Milliseconds after which a server that says nothing counts as away. A password takes it a moment, and there may be a queue.
const ANSWER_WITHIN_MS: u32 = 30_000;
/// Most parts of a list that are asked for: more than a screen could show with any use.
const PARTS_MAX: usize = 100;

use crate::host;

/// Why the server did not do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It was not reached.
    Away,
    /// It said why.
    Said(ErrorWord, String),
    /// It answered with something that is no answer.
    Strange,
}

impl Trouble {
    /// What happened and what to do, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Away => {
                "The server can't be reached. Look at your network, then try again.".to_owned()
            }
            Self::Said(_, message) => message.clone(),
            Self::Strange => {
                "The server's answer was not understood. Reload the page, then try again."
                    .to_owned()
            }
        }
    }

    /// Whether it is about what can't be used any more, or never could.
    pub const fn is_gone(&self) -> bool {
        matches!(self, Self::Said(ErrorWord::NotFound | ErrorWord::UsedUp, _))
    }
}

/// What is there.
pub async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Trouble> {
    let text = exchange("GET", path, None).await?;
    serde_json::from_str(&text).map_err(|_| Trouble::Strange)
}

/// A list, which comes in parts if it is long.
pub async fn list<T: DeserializeOwned>(path: &str) -> Result<Vec<T>, Trouble> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Listed<T> {
        Whole(Vec<T>),
        Part { items: Vec<T>, next: Option<String> },
    }
    let mut all = Vec::new();
    let mut from = String::new();
    for _ in 0..PARTS_MAX {
        match get(&format!("{path}{from}")).await? {
            Listed::Whole(items) => return Ok(items),
            Listed::Part { items, next } => {
                all.extend(items);
                let Some(next) = next else { break };
                from = format!("?after={}", host::escaped(&next));
            }
        }
    }
    Ok(all)
}

/// Sends `body` and reads the answer.
pub async fn send<B: Serialize, T: DeserializeOwned>(
    method: &str,
    path: &str,
    body: &B,
) -> Result<T, Trouble> {
    let text = sent(method, path, body).await?;
    serde_json::from_str(&text).map_err(|_| Trouble::Strange)
}

/// Sends `body`; there is no answer but that it was done.
pub async fn tell<B: Serialize>(method: &str, path: &str, body: &B) -> Result<(), Trouble> {
    sent(method, path, body).await.map(drop)
}

/// Asks for something to be deleted.
pub async fn delete(path: &str) -> Result<(), Trouble> {
    exchange("DELETE", path, None).await.map(drop)
}

async fn sent<B: Serialize>(method: &str, path: &str, body: &B) -> Result<String, Trouble> {
    let body = serde_json::to_string(body).map_err(|_| Trouble::Strange)?;
    exchange(method, path, Some(&body)).await
}

async fn exchange(method: &str, path: &str, body: Option<&str>) -> Result<String, Trouble> {
    let answer = reached(method, path, body)
        .await
        .map_err(|_| Trouble::Away)?;
    let text = match answer.text() {
        Ok(text) => JsFuture::from(text).await.map_err(|_| Trouble::Away)?,
        Err(_) => return Err(Trouble::Strange),
    };
    let text = text.as_string().unwrap_or_default();
    if answer.ok() {
        return Ok(text);
    }
    match serde_json::from_str::<Error>(&text) {
        Ok(error) => Err(Trouble::Said(error.error, error.message)),
        Err(_) => Err(Trouble::Strange),
    }
}

async fn reached(method: &str, path: &str, body: Option<&str>) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    headers.set("accept", "application/json")?;
    // Said by every request that may change something, with a body or without: no form of another page can.
    headers.set("content-type", "application/json")?;
    headers.set("x-sheaf", "1")?;
    let how = RequestInit::new();
    how.set_method(method);
    how.set_headers(&headers);
    how.set_signal(Some(&AbortSignal::timeout_with_u32(ANSWER_WITHIN_MS)));
    if let Some(body) = body {
        how.set_body(&body.into());
    }
    let answered = host::window().fetch_with_str_and_init(path, &how);
    Ok(JsFuture::from(answered).await?.unchecked_into())
}
