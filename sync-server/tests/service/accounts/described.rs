//! What the server says of its API, held against every answer that a test sees.

use std::net::SocketAddr;

use jsonschema::Validator;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::browser::{Answer, exchange};

/// One operation.
struct Operation {
    method: String,
    path: Vec<String>,
    status: u16,
    /// What is answered, if that is JSON.
    done: Option<Validator>,
}

struct Description {
    operations: Vec<Operation>,
    refused: Validator,
}

/// All servers of this program say the same.
static DESCRIPTION: OnceCell<Description> = OnceCell::const_new();

/// Fails if an answer of the API is not as described.
pub(crate) async fn check(address: SocketAddr, method: &str, path: &str, answer: &Answer) {
    let Some(asked) = path.strip_prefix("/api/") else {
        return;
    };
    let is_json = answer.header("content-type") == Some("application/json");
    if !is_json || asked.starts_with("openapi.json") {
        return;
    }
    let description = DESCRIPTION.get_or_init(|| Description::of(address)).await;
    let body: Value = serde_json::from_slice(&answer.body)
        .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
    if answer.status >= 400 {
        fits(&description.refused, &body, method, path);
        return;
    }
    let asked = asked.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = asked.split('/').collect();
    let operation = description.operations.iter().find(|operation| {
        let same = |(known, part): (&String, &&str)| known.starts_with('{') || known == part;
        operation.method == method
            && operation.path.len() == parts.len()
            && operation.path.iter().zip(&parts).all(same)
    });
    let operation = operation.unwrap_or_else(|| panic!("{method} {path} is not described"));
    assert_eq!(operation.status, answer.status, "{method} {path}");
    if let Some(done) = &operation.done {
        fits(done, &body, method, path);
    }
}

fn fits(schema: &Validator, body: &Value, method: &str, path: &str) {
    let wrong: Vec<String> = schema
        .iter_errors(body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{method} {path}: {wrong:#?}");
}

impl Description {
    async fn of(address: SocketAddr) -> Self {
        let ask = format!(
            "GET /api/openapi.json HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        );
        let whole = exchange(address, ask.as_bytes()).await.ok().json();
        let schema_of = |schema: &Value| {
            let mut root = schema.clone();
            root["components"] = whole["components"].clone();
            jsonschema::validator_for(&root).unwrap()
        };
        let mut operations = Vec::new();
        for (path, methods) in whole["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                let (status, done) = responses
                    .iter()
                    .find(|(status, _)| *status != "default")
                    .unwrap();
                let schema = &done["content"]["application/json"]["schema"];
                operations.push(Operation {
                    method: method.to_uppercase(),
                    path: path[1..].split('/').map(str::to_owned).collect(),
                    status: status.parse().unwrap(),
                    done: schema.is_object().then(|| schema_of(schema)),
                });
            }
        }
        let refused = json!({ "$ref": "#/components/schemas/Error" });
        // What is named in full stands before what has a gap there.
        operations.sort_by_key(|operation| {
            operation
                .path
                .iter()
                .filter(|part| part.starts_with('{'))
                .count()
        });
        Self {
            operations,
            refused: schema_of(&refused),
        }
    }
}
