//! Pages for programs: `/api/pages/…`, and the pages of a space.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use sheaf_core::access::{ReadPage, ReadSpace, Who, WritePage, WriteTree};
use sheaf_shared::api::pages::{MakePage, Page, PageFacts, PageWritten};
use sheaf_shared::api::{ErrorWord, List};
use sheaf_shared::file::{self, FILE_BYTES_MAX, Form};
use sheaf_shared::ids::{DocName, PageId, SpaceId};
use sheaf_shared::space::SpaceError;

use super::super::answers::{Done, Problem, json};
use super::{Call, Route, Takes, routes};
use crate::adapters::random::Drawn as _;
use crate::app::directory::Granted;
use crate::app::pages::{As, Content, Expected, Listed, MakeError, Making, Pages, PagesError, Tag};

/// Longest body, in bytes: the longest text a page is read from, and what quoting it in JSON adds.
const BODY_BYTES_MAX: usize = FILE_BYTES_MAX + FILE_BYTES_MAX / 4;
/// Most pages that are listed at once.
const LISTED_MAX: usize = 1_000;
/// What an archive is called.
const ARCHIVE: &str = "attachment; filename=\"pages.zip\"";

pub(super) const ROUTES: &[Route] = routes! {
    GET "/spaces/{id}/pages" Someone Takes::Nothing => list;
    POST "/spaces/{id}/pages" Someone Takes::Bytes(BODY_BYTES_MAX) => make;
    POST "/spaces/{id}/import" Someone Takes::Bytes(FILE_BYTES_MAX) => import;
    GET "/spaces/{id}/export.zip" Someone Takes::Nothing => export;
    GET "/pages/{page}" Someone Takes::Nothing => facts;
    GET "/pages/{page}/content" Someone Takes::Nothing => read;
    PUT "/pages/{page}/content" Someone Takes::Bytes(FILE_BYTES_MAX) => write;
};

impl From<PagesError> for Problem {
    fn from(error: PagesError) -> Self {
        let said = |word, text: String| Self::new(word, text);
        match error {
            PagesError::NoSuchPage => Self::of(ErrorWord::NotFound),
            PagesError::Moved { .. } => Self::of(ErrorWord::Changed),
            PagesError::Unreadable(why) => said(ErrorWord::Invalid, sentence(&why)),
            PagesError::Edit(why) => said(ErrorWord::Invalid, sentence(&why)),
            PagesError::Tree(SpaceError::NoSuchPage) => Self::new(
                ErrorWord::Invalid,
                "The page it shall stand under is not in this space.",
            ),
            PagesError::Tree(why) => said(ErrorWord::Invalid, sentence(&why)),
            PagesError::TooLarge => Self::new(
                ErrorWord::TooLarge,
                "This would be too much for one page. Split it into several.",
            ),
            PagesError::TryAgain => Self::of(ErrorWord::TryAgain).in_s(2),
            PagesError::Storage(fault) => fault.into(),
            PagesError::Damaged => {
                tracing::error!("A page could not be opened for the API");
                Self::new(
                    ErrorWord::TryAgain,
                    "This page is damaged on the server. Whoever runs it can repair it.",
                )
                .in_s(60)
            }
        }
    }
}

impl From<MakeError> for Problem {
    fn from(error: MakeError) -> Self {
        match error {
            MakeError::Page(error) => error.into(),
            MakeError::NoSuchSpace => Self::of(ErrorWord::NotFound),
        }
    }
}

/// What an error says of itself, as a sentence.
fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

fn pages(call: &Call) -> Pages {
    Pages::of(std::sync::Arc::clone(&call.site.hub))
}

fn page_of(listed: Listed) -> Page {
    Page {
        id: listed.page,
        title: listed.title,
        icon: listed.icon,
        parent: listed.parent,
    }
}

/// `GET /api/spaces/{id}/pages?after=ID`
async fn list(call: Call) -> Done {
    let space: SpaceId = call.named("id")?;
    let may: Granted<ReadSpace> = call.site.gate.space(&call.keys, space, call.now).await?;
    let after = call.asked("after", |raw| PageId::parse(raw).ok())?;
    let listed = pages(&call).list(&may).await?;
    let from = match after {
        None => 0,
        // One that is gone since: from the start, so that nothing is missed.
        Some(after) => listed
            .iter()
            .position(|page| page.page == after)
            .map_or(0, |at| at + 1),
    };
    let mut rest = listed.into_iter().skip(from);
    let items: Vec<Page> = rest.by_ref().take(LISTED_MAX).map(page_of).collect();
    let next = match (rest.next(), items.last()) {
        (Some(_), Some(last)) => Some(last.id.to_string()),
        _ => None,
    };
    Ok(json(&List { items, next }))
}

/// `POST /api/spaces/{id}/pages`
async fn make(call: Call) -> Done {
    let may = may_write_tree(&call).await?;
    let wanted: MakePage = call.json()?;
    let source = wanted.markdown.unwrap_or_default();
    let content = file::Body::read(&source, Form::Markdown).map_err(PagesError::from)?;
    let making = Making {
        title: wanted.title,
        parent: wanted.parent,
        content: content.into_flow(),
        ..new_page(&call, &may)?
    };
    made(&call, &may, making).await
}

/// `POST /api/spaces/{id}/import?name=FILE&parent=ID`
async fn import(call: Call) -> Done {
    let may = may_write_tree(&call).await?;
    let name = call
        .asked("name", decoded)?
        .unwrap_or_else(|| "Untitled".to_owned());
    let parent = call.asked("parent", |raw| PageId::parse(raw).ok())?;
    let (form, source) = text_of(&call)?;
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => &name,
    };
    let imported = file::read(stem, &source, form).map_err(PagesError::from)?;
    let making = Making {
        title: imported.title,
        parent,
        content: imported.content,
        ..new_page(&call, &may)?
    };
    made(&call, &may, making).await
}

async fn may_write_tree(call: &Call) -> Result<Granted<WriteTree>, Problem> {
    let space: SpaceId = call.named("id")?;
    Ok(call.site.gate.space(&call.keys, space, call.now).await?)
}

/// A page that says nothing yet.
fn new_page(call: &Call, may: &Granted<WriteTree>) -> Result<Making, Problem> {
    let caller = may.caller();
    Ok(Making {
        page: PageId::draw()?,
        title: String::new(),
        parent: None,
        content: Vec::new(),
        made_by: caller.and_then(|caller| caller.who.user()),
        name: caller
            .and_then(|caller| caller.name.as_ref())
            .map(ToString::to_string)
            .unwrap_or_default(),
        at: call.now,
    })
}

async fn made(call: &Call, may: &Granted<WriteTree>, making: Making) -> Done {
    let parent = making.parent;
    let made = pages(call).make(may, making).await?;
    let mut response = json(&Page {
        id: made.page,
        title: made.title,
        icon: None,
        parent,
    });
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// `GET /api/spaces/{id}/export.zip`
async fn export(call: Call) -> Done {
    let space: SpaceId = call.named("id")?;
    let may: Granted<ReadSpace> = call.site.gate.space(&call.keys, space, call.now).await?;
    let pieces = pages(&call).archive(&may).await?;
    let body = stream::unfold(pieces, async |mut pieces| {
        let piece = pieces.recv().await?;
        Some((piece, pieces))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/zip"),
        (header::CONTENT_DISPOSITION, ARCHIVE),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

fn doc_of(call: &Call) -> Result<DocName, Problem> {
    Ok(DocName::of_page(call.named::<PageId>("page")?))
}

async fn may_read(call: &Call, doc: &DocName) -> Result<Granted<ReadPage>, Problem> {
    call.is_there(doc).await?;
    let may = call.site.gate.page(&call.keys, doc, None, call.now);
    Ok(may.await?)
}

/// `GET /api/pages/{page}`
async fn facts(call: Call) -> Done {
    let id: PageId = call.named("page")?;
    let doc = DocName::of_page(id);
    let may = may_read(&call, &doc).await?;
    let belongs = call.directory()?.belonging(&doc).await?;
    // Whoever sits alone at the machine has everything in the first space.
    let space = belongs.map_or(SpaceId::HOME, |record| record.space);
    let pages = pages(&call);
    let listed = pages.look(&may, space).await?;
    if listed.is_none() && !pages.is_stored(&may).await? {
        return Err(Problem::of(ErrorWord::NotFound));
    }
    let listed = listed.unwrap_or(Listed {
        page: id,
        title: String::new(),
        icon: None,
        parent: None,
    });
    Ok(json(&PageFacts {
        id,
        title: listed.title,
        icon: listed.icon,
        // A guest does not learn what lies above what was shared.
        parent: listed.parent.filter(|_| {
            may.caller()
                .is_none_or(|it| !matches!(it.who, Who::Guest(_)))
        }),
        space,
        role: may.role(),
    }))
}

/// `GET /api/pages/{page}/content?as=md|html|json`
async fn read(call: Call) -> Done {
    let doc = doc_of(&call)?;
    let form = call.asked("as", |raw| match raw {
        "md" => Some(As::Markdown),
        "html" => Some(As::Html),
        "json" => Some(As::Json),
        _ => None,
    })?;
    let form = form.unwrap_or(As::Markdown);
    let may = may_read(&call, &doc).await?;
    let Content { text, tag } = pages(&call).read(&may, form).await?;
    let known = tags(call.headers(), header::IF_NONE_MATCH)?;
    if known.is_some_and(|known| known.hold(&tag)) {
        return Ok(tagged(StatusCode::NOT_MODIFIED.into_response(), &tag));
    }
    let kind = match form {
        As::Markdown => "text/markdown; charset=utf-8",
        As::Html => "text/html; charset=utf-8",
        As::Json => "application/json",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        // A piece of a page is no page of ours: opened by itself, it is only saved.
        (header::CONTENT_DISPOSITION, "attachment"),
    ];
    Ok(tagged((headers, text).into_response(), &tag))
}

/// `PUT /api/pages/{page}/content`
async fn write(call: Call) -> Done {
    let doc = doc_of(&call)?;
    call.is_there(&doc).await?;
    let may: Granted<WritePage> = call
        .site
        .gate
        .page(&call.keys, &doc, None, call.now)
        .await?;
    let expected = match tags(call.headers(), header::IF_MATCH)? {
        Some(Tags::Any) => Expected::Anything,
        Some(Tags::These(tags)) => Expected::One(tags),
        None => {
            let message = "Say in If-Match which content you have read (its ETag), or * to merge with whatever is there.";
            return Err(Problem::new(ErrorWord::ConditionMissing, message));
        }
    };
    let (form, source) = text_of(&call)?;
    match pages(&call).write(&may, source, form, expected).await {
        Ok(written) => {
            let changed = written.changed;
            Ok(tagged(json(&PageWritten { changed }), &written.tag))
        }
        Err(PagesError::Moved { now }) => Ok(tagged(
            Problem::of(ErrorWord::Changed).into_response(),
            &now,
        )),
        Err(error) => Err(error.into()),
    }
}

fn tagged(mut response: Response, tag: &Tag) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// Tags that a request names.
enum Tags {
    Any,
    These(Vec<Tag>),
}

impl Tags {
    fn hold(&self, tag: &Tag) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.contains(tag),
        }
    }
}

/// What `name` says, if it is there. A weak tag equals the strong one: either stands for the same content.
fn tags(headers: &HeaderMap, name: header::HeaderName) -> Result<Option<Tags>, Problem> {
    let Some(raw) = headers.get(&name) else {
        return Ok(None);
    };
    let wrong = || Problem::new(ErrorWord::Invalid, format!("{name} can't be understood."));
    let raw = raw.to_str().map_err(|_| wrong())?.trim();
    if raw == "*" {
        return Ok(Some(Tags::Any));
    }
    let tag = |part: &str| {
        let part = part.trim();
        let quoted = part.strip_prefix("W/").unwrap_or(part);
        let bare = quoted.strip_prefix('"')?.strip_suffix('"')?;
        Some(Tag::from_text(bare))
    };
    let tags: Option<Vec<Tag>> = raw.split(',').map(tag).collect();
    tags.map(|tags| Some(Tags::These(tags))).ok_or_else(wrong)
}

/// The text that was sent, and how to read it.
fn text_of(call: &Call) -> Result<(Form, String), Problem> {
    let kind = call.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (kind, _) = kind.split_once(';').unwrap_or((kind, ""));
    let form = match kind.trim().to_ascii_lowercase().as_str() {
        "text/markdown" => Form::Markdown,
        "text/html" => Form::Html,
        "text/plain" => Form::Text,
        _ => {
            let message =
                "Send Markdown (text/markdown), HTML (text/html) or plain text (text/plain).";
            return Err(Problem::new(ErrorWord::UnsupportedType, message));
        }
    };
    let bytes: &Bytes = &call.body;
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Problem::new(ErrorWord::Invalid, "This is no text in UTF-8."))?;
    Ok((form, text.to_owned()))
}

/// A value of a query as the text it stands for; `None` if it is none.
pub(super) fn decoded(raw: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
                u8::try_from(value).ok()?
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_is_read_out_of_an_address() {
        assert_eq!(decoded("My%20notes+1.md").as_deref(), Some("My notes 1.md"));
        assert_eq!(decoded("%C3%BC").as_deref(), Some("ü"));
        for wrong in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decoded(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn tags_are_read_in_quotes_weak_or_strong_one_or_several() {
        let read = |raw: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, HeaderValue::from_static(raw));
            tags(&headers, header::IF_MATCH)
        };
        let holds = |raw, tag| {
            let tags = read(raw).ok().flatten();
            tags.is_some_and(|tags| tags.hold(&Tag::from_text(tag)))
        };
        assert!(holds("\"a\"", "a") && holds("W/\"a\", \"b\"", "b") && holds("*", "x"));
        assert!(!holds("\"a\"", "b"));
        assert!(read("a").is_err() && read("\"a").is_err() && read("").is_err());
    }
}
