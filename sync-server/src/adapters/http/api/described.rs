//! The API described for programs (OpenAPI 3.1), from the same types that its bodies are read and written by.
//!
//! Each route has its line in the table here; a test compares the table with the routes that are served.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{Method, header};
use axum::response::IntoResponse as _;
use serde_json::{Map, Value, json};
use sheaf_shared::api::Error;
use sheaf_shared::api::admin::{
    AnySpace, AuditLine, ConfirmAddress, GiveSpace, House, LetGo, Person, SetOffice,
};
use sheaf_shared::api::entry::{
    EnterLink, FirstRun, FirstRunAsks, Forgot, ForgotSays, InvitationSays, Join, LinkSays, Look,
    Reset, SignIn,
};
use sheaf_shared::api::invitations::{Invitation, MadePath, NewInvitation};
use sheaf_shared::api::links::{ChangeLink, GuestPage, Link, NewLink};
use sheaf_shared::api::me::{
    ChangeEmail, ChangeMe, ChangePassword, MadeToken, Me, MySpace, NewToken, Session, Token,
};
use sheaf_shared::api::pages::{MakePage, Page, PageFacts, PageWritten};
use sheaf_shared::api::spaces::{Member, NameSpace, PersonName, SetMember, Space};
use utoipa::ToSchema;

use super::super::answers::Done;
use super::{Call, Route, Takes, routes};

pub(super) const ROUTES: &[Route] = routes! {
    GET "/openapi.json" Anyone Takes::Nothing => show;
};

/// What is taken or answered.
#[derive(Clone, Copy)]
enum Shape {
    Nothing,
    Json(fn(&mut Schemas) -> Value),
    /// Something of these types.
    Of(&'static [&'static str]),
}

/// A route, described.
struct Described {
    method: Method,
    path: &'static str,
    summary: &'static str,
    body: Shape,
    status: u16,
    answer: Shape,
}

type Schemas = BTreeMap<String, Value>;

const TEXTS: Shape = Shape::Of(&["text/markdown", "text/html", "text/plain"]);
const CONTENT: Shape = Shape::Of(&["text/markdown", "text/html", "application/json"]);

/// `METHOD "path" "what it does" taken => status answered;`
macro_rules! described {
    ($($method:ident $path:literal $summary:literal $body:expr => $status:literal $answer:expr;)*) => {
        &[$(Described {
            method: Method::$method,
            path: $path,
            summary: $summary,
            body: $body,
            status: $status,
            answer: $answer,
        }),*]
    };
}

const fn of<T: ToSchema>() -> Shape {
    Shape::Json(schema_of::<T>)
}

const fn list<T: ToSchema>() -> Shape {
    Shape::Json(list_of::<T>)
}

use Shape::Nothing;

const TABLE: &[Described] = described! {
    GET "/me" "Who asks, and where they may go." Nothing => 200 of::<Me>();
    PATCH "/me" "Changes one's name or colour." of::<ChangeMe>() => 200 of::<Me>();
    PUT "/me/email" "Changes the address one signs in by." of::<ChangeEmail>() => 200 of::<Me>();
    PUT "/me/password" "Changes one's password, and ends all other sessions." of::<ChangePassword>() => 204 Nothing;
    GET "/me/sessions" "Where one is signed in." Nothing => 200 list::<Session>();
    DELETE "/me/sessions" "Ends all of one's sessions but this one." Nothing => 204 Nothing;
    DELETE "/me/sessions/{id}" "Ends one of one's sessions." Nothing => 204 Nothing;
    GET "/me/tokens" "One's tokens for programs." Nothing => 200 list::<Token>();
    POST "/me/tokens" "Makes a token, which is told once." of::<NewToken>() => 200 of::<MadeToken>();
    DELETE "/me/tokens/{id}" "Takes a token back." Nothing => 204 Nothing;
    GET "/first-run" "What whoever makes the first account must know. 409 if there is one." Nothing => 200 of::<FirstRunAsks>();
    POST "/first-run" "Makes the first account." of::<FirstRun>() => 200 of::<Me>();
    POST "/sign-in" "Signs in by address and password." of::<SignIn>() => 200 of::<Me>();
    POST "/sign-out" "Signs out." Nothing => 204 Nothing;
    POST "/join" "Makes the account that an invitation invites to." of::<Join>() => 200 of::<Me>();
    POST "/reset" "Sets another password by a link that was made for it." of::<Reset>() => 200 of::<Me>();
    POST "/invitations/look" "What an invitation is to." of::<Look>() => 200 of::<InvitationSays>();
    GET "/invitations" "Invitations that can still be used." Nothing => 200 list::<Invitation>();
    POST "/invitations" "Invites somebody." of::<NewInvitation>() => 200 of::<MadePath>();
    DELETE "/invitations/{id}" "Takes an invitation back." Nothing => 204 Nothing;
    GET "/people/names" "People one could make members." Nothing => 200 list::<PersonName>();
    GET "/spaces" "One's spaces." Nothing => 200 list::<MySpace>();
    POST "/spaces" "Makes a space." of::<NameSpace>() => 200 of::<Space>();
    GET "/spaces/{id}" "A space." Nothing => 200 of::<Space>();
    PATCH "/spaces/{id}" "Names a space." of::<NameSpace>() => 200 of::<Space>();
    DELETE "/spaces/{id}" "Deletes a space; it can be brought back." Nothing => 204 Nothing;
    GET "/spaces/{id}/members" "The members of a space." Nothing => 200 list::<Member>();
    PUT "/spaces/{id}/members/{user}" "Makes somebody a member, or gives them another role." of::<SetMember>() => 204 Nothing;
    DELETE "/spaces/{id}/members/{user}" "Takes a member out." Nothing => 204 Nothing;
    POST "/spaces/{id}/leave" "Leaves a space." Nothing => 204 Nothing;
    GET "/spaces/{id}/pages" "The pages of a space, in the order of its tree." Nothing => 200 list::<Page>();
    POST "/spaces/{id}/pages" "Makes a page." of::<MakePage>() => 201 of::<Page>();
    POST "/spaces/{id}/import" "Makes a page out of a file." TEXTS => 201 of::<Page>();
    GET "/spaces/{id}/export.zip" "All pages of a space as Markdown files." Nothing => 200 Shape::Of(&["application/zip"]);
    GET "/pages/{page}" "A page: its title, and where it lies." Nothing => 200 of::<PageFacts>();
    GET "/pages/{page}/content" "What a page says. Its tag stands in ETag." Nothing => 200 CONTENT;
    PUT "/pages/{page}/content" "Makes a page say something else, by changing what differs. Needs If-Match." TEXTS => 200 of::<PageWritten>();
    GET "/pages/{page}/links" "The share links of a page." Nothing => 200 list::<Link>();
    POST "/pages/{page}/links" "Makes a share link, whose address is told once." of::<NewLink>() => 200 of::<Link>();
    PATCH "/links/{id}" "Changes a share link." of::<ChangeLink>() => 200 of::<Link>();
    DELETE "/links/{id}" "Takes a share link back." Nothing => 204 Nothing;
    POST "/links/look" "What a share link leads to." of::<Look>() => 200 of::<LinkSays>();
    POST "/links/enter" "Comes in by a share link." of::<EnterLink>() => 200 of::<Me>();
    GET "/guest/pages" "The pages that one's share link leads to." Nothing => 200 list::<GuestPage>();
    GET "/admin/people" "All accounts." Nothing => 200 list::<Person>();
    POST "/admin/people/{id}/disable" "Takes an account out of use." of::<LetGo>() => 204 Nothing;
    POST "/admin/people/{id}/enable" "Puts an account to use again." Nothing => 204 Nothing;
    POST "/admin/people/{id}/reset" "Makes a link by which somebody sets another password." Nothing => 200 of::<MadePath>();
    POST "/admin/people/{id}/office" "Gives somebody an office." of::<SetOffice>() => 204 Nothing;
    POST "/admin/people/{id}/confirm" "Says that the address of an account is that of who has it." of::<ConfirmAddress>() => 204 Nothing;
    DELETE "/admin/people/{id}" "Deletes an account." of::<LetGo>() => 204 Nothing;
    GET "/admin/spaces" "All spaces." Nothing => 200 list::<AnySpace>();
    POST "/admin/spaces/{id}/restore" "Brings a deleted space back." Nothing => 204 Nothing;
    POST "/admin/spaces/{id}/give" "Gives somebody a space that nobody decides about." of::<GiveSpace>() => 204 Nothing;
    GET "/admin/house" "How the installation is." Nothing => 200 of::<House>();
    GET "/admin/audit" "Who did what, the latest first." Nothing => 200 list::<AuditLine>();
    GET "/admin/audit.json" "All of it." Nothing => 200 Shape::Of(&["application/json"]);
    POST "/forgot" "Has a letter sent to who forgot a password." of::<Forgot>() => 200 of::<ForgotSays>();
    GET "/oidc/start" "Sends a browser away to sign in elsewhere, and then to the path in to." Nothing => 303 Nothing;
    GET "/oidc/return" "Where the provider sends browsers back to." Nothing => 303 Nothing;
    GET "/openapi.json" "This description." Nothing => 200 Shape::Of(&["application/json"]);
};

/// `GET /api/openapi.json`
async fn show(_: Call) -> Done {
    static TEXT: LazyLock<String> = LazyLock::new(|| description().to_string());
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((kind, Body::from(TEXT.as_str())).into_response())
}

fn description() -> Value {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for described in TABLE {
        let method = described.method.as_str().to_ascii_lowercase();
        let operation = operation(described, &mut schemas);
        paths
            .entry(described.path)
            .or_default()
            .insert(method, operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sheaf",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Times are milliseconds since 1970. Programs show a token: Authorization: Bearer TOKEN.",
        },
        "servers": [{ "url": "/api" }],
        "security": [{ "token": [] }, { "session": [] }, {}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": "__Host-sheaf" },
            },
        },
    })
}

fn operation(described: &Described, schemas: &mut Schemas) -> Value {
    let named = described.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({
            "name": name,
            "in": "path",
            "required": true,
            "schema": { "type": "string" },
        }))
    });
    let mut operation = json!({
        "summary": described.summary,
        "parameters": named.collect::<Vec<_>>(),
        "responses": {
            described.status.to_string(): answer(described.answer, schemas),
            "default": {
                "description": "Why it was not done.",
                "content": { "application/json": { "schema": schema_of::<Error>(schemas) } },
            },
        },
    });
    if let Some(content) = content(described.body, schemas) {
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation
}

fn answer(shape: Shape, schemas: &mut Schemas) -> Value {
    match content(shape, schemas) {
        Some(content) => json!({ "description": "Done.", "content": content }),
        None => json!({ "description": "Done." }),
    }
}

fn content(shape: Shape, schemas: &mut Schemas) -> Option<Value> {
    match shape {
        Shape::Nothing => None,
        Shape::Json(schema) => {
            let schema = schema(schemas);
            Some(json!({ "application/json": { "schema": schema } }))
        }
        Shape::Of(kinds) => {
            let kinds = kinds.iter().map(|kind| ((*kind).to_owned(), json!({})));
            Some(Value::Object(kinds.collect()))
        }
    }
}

/// Notes the schema of a type with all it holds, and refers to it.
fn schema_of<T: ToSchema>(schemas: &mut Schemas) -> Value {
    let name = T::name().into_owned();
    let mut more = vec![(name.clone(), T::schema())];
    T::schemas(&mut more);
    for (name, schema) in more {
        let schema = serde_json::to_value(schema).unwrap_or_default();
        schemas.insert(name, schema);
    }
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn list_of<T: ToSchema>(schemas: &mut Schemas) -> Value {
    let item = schema_of::<T>(schemas);
    json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": { "type": "array", "items": item },
            "next": { "type": ["string", "null"] },
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::all_routes;
    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let served: BTreeSet<(String, &str)> = all_routes()
            .map(|route| (route.method.to_string(), route.path))
            .collect();
        let described: BTreeSet<(String, &str)> = TABLE
            .iter()
            .map(|described| (described.method.to_string(), described.path))
            .collect();
        let missing: Vec<_> = served.difference(&described).collect();
        let invented: Vec<_> = described.difference(&served).collect();
        assert!(
            missing.is_empty() && invented.is_empty(),
            "{missing:?} {invented:?}"
        );
        assert_eq!(TABLE.len(), described.len());
    }

    #[test]
    fn all_that_is_described_is_there_and_no_two_types_share_a_name() {
        let description = description();
        let schemas = description["components"]["schemas"].as_object().unwrap();
        let text = description.to_string();
        for (at, _) in text.match_indices("#/components/schemas/") {
            let rest = &text[at + "#/components/schemas/".len()..];
            let name = &rest[..rest.find('"').unwrap()];
            assert!(schemas.contains_key(name), "{name}");
        }
        // A name that came twice would have had one meaning thrown away.
        let mut seen: BTreeMap<String, Value> = BTreeMap::new();
        for described in TABLE {
            for shape in [described.body, described.answer] {
                let mut own = Schemas::new();
                if let Shape::Json(schema) = shape {
                    schema(&mut own);
                }
                for (name, schema) in own {
                    let before = seen.entry(name.clone()).or_insert_with(|| schema.clone());
                    assert_eq!(*before, schema, "{name}");
                }
            }
        }
        assert_eq!(description["openapi"], "3.1.0");
    }
}
