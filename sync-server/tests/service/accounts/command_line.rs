//! `sheaf user` and `sheaf invite`.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use super::browser::Browser;
use super::{PASSWORD, me};
use crate::program::{Program, binary};

fn sheaf(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).arg("--data-dir").arg(folder);
    command.output().unwrap()
}

fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = sheaf(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_made_from_the_command_line_and_their_owners_set_the_passwords() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let refused = sheaf(folder, &["invite"]);
    assert_eq!(
        refused.status.code(),
        Some(2),
        "nobody is there to be joined"
    );
    let first = said(folder, &["user", "add", "ada@example.org", "Ada"]);
    let secret = first.trim().rsplit_once("/reset/").unwrap().1.to_owned();
    said(
        folder,
        &["user", "add", "bob@example.org", "Bob", "--office", "admin"],
    );
    let taken = sheaf(folder, &["user", "add", "bob@example.org", "Another"]);
    assert_eq!(taken.status.code(), Some(2));
    said(folder, &["user", "disable", "bob@example.org"]);
    let last = sheaf(folder, &["user", "disable", "ada@example.org"]);
    assert!(String::from_utf8_lossy(&last.stderr).contains("own the installation"));
    let list = said(folder, &["user", "list"]);
    let lines: Vec<Vec<&str>> = list
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[1], ["owner", "in", "use", "ada@example.org", "Ada"]);
    assert_eq!(lines[2], ["admin", "disabled", "bob@example.org", "Bob"]);
    let invited = said(folder, &["invite", "eve@example.org"]);
    let invitation = invited.trim().rsplit_once("/join/").unwrap().1.to_owned();

    let program = Program::start(folder, &[]);
    let mut ada = Browser::new(program.address);
    assert_eq!(me(&mut ada).await["as"], "nobody");
    let body = json!({"secret": secret, "password": PASSWORD});
    let hers = ada.post("/api/reset", body).await.ok().json();
    assert_eq!(
        (&hers["name"], &hers["office"]),
        (&json!("Ada"), &json!("owner"))
    );
    let body = json!({"secret": invitation, "name": "Eve", "email": "x@example.org", "password": PASSWORD});
    let joined = Browser::new(program.address).post("/api/join", body).await;
    assert_eq!(joined.ok().json()["email"], "eve@example.org");

    let meanwhile = sheaf(folder, &["user", "list"]);
    assert_eq!(meanwhile.status.code(), Some(2));
    let told = String::from_utf8_lossy(&meanwhile.stderr).into_owned();
    assert!(told.contains("/admin"), "it says what to do: {told}");
}
