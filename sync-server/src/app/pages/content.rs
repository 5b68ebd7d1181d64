//! What a page says, in the forms in which programs read it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use sheaf_shared::flow::delta::{Content as Piece, DeltaOp};
use sheaf_shared::replica::Replica;
use sheaf_shared::{flow, html, json, markdown};

/// A form in which a page is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// Markdown.
    Markdown,
    /// A piece of HTML: the body of a document.
    Html,
    /// The flow itself: `{"delta":[{"insert":…,"attributes":{…}}]}`.
    Json,
}

/// What a page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// In the form that was asked for.
    pub text: String,
    /// The same for the same content, whatever the form.
    pub tag: Tag,
}

/// Stands for what a page says: equal for equal content, in every form and at every server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(String);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes of the digest in a tag.
const TAG_BYTES: usize = 18;

impl Tag {
    /// That of a page.
    #[must_use]
    pub fn of(page: &Replica) -> Self {
        Self::of_json(&json_of(&flow::to_delta(page)))
    }

    fn of_json(json: &str) -> Self {
        let digest = Sha256::digest(json);
        Self(URL_SAFE_NO_PAD.encode(&digest[..TAG_BYTES]))
    }

    /// Takes what somebody says is one. Any text is: if it is none of ours, it equals none of ours.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Content {
    pub(super) fn of(page: &Replica, form: As) -> Self {
        let json = json_of(&flow::to_delta(page));
        let tag = Tag::of_json(&json);
        let text = match form {
            As::Markdown => markdown::write(&flow::read(page)),
            As::Html => html::write(&flow::read(page)),
            As::Json => json,
        };
        Self { text, tag }
    }
}

/// A flow as JSON. The same flow gives the same text.
fn json_of(flow: &[DeltaOp]) -> String {
    let mut out = String::new();
    let mut object = json::Object::begin(&mut out);
    let inserts = flow.iter().filter_map(|op| match op {
        DeltaOp::Insert(content, attrs) => Some((content, attrs)),
        DeltaOp::Retain(..) | DeltaOp::Delete(_) => None,
    });
    json::put_list(object.key("delta"), inserts, |out, (content, attrs)| {
        let mut insert = json::Object::begin(out);
        match content {
            Piece::Text(text) => insert.text("insert", text),
            Piece::Embed(value) => json::put(insert.key("insert"), value),
        }
        if !attrs.is_empty() {
            json::put_attrs(insert.key("attributes"), attrs);
        }
        insert.end();
    });
    object.end();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use sheaf_shared::flow::{apply_delta, delta};
    use sheaf_shared::ids::ReplicaId;
    use sheaf_shared::replica::Origin;

    fn page(flow: &[DeltaOp]) -> Replica {
        let mut page = Replica::new(ReplicaId(1));
        apply_delta(&mut page, Origin::Local, flow).unwrap();
        page
    }

    #[test]
    fn a_page_is_read_in_three_forms_under_one_tag() {
        let page = page(&[
            DeltaOp::text("A "),
            DeltaOp::text_with("word", delta::attrs([("bold", true.into())])),
            DeltaOp::embed("image", "/a.png"),
            DeltaOp::text("\n"),
        ]);
        let [md, html, json] =
            [As::Markdown, As::Html, As::Json].map(|form| Content::of(&page, form));
        assert_eq!(md.text, "A **word**![](/a.png)\n");
        assert!(html.text.contains("<strong>word</strong>"), "{}", html.text);
        assert_eq!(
            json.text,
            r#"{"delta":[{"insert":"A "},{"insert":"word","attributes":{"bold":true}},{"insert":{"image":"/a.png"}},{"insert":"\n"}]}"#
        );
        assert!(md.tag == html.tag && html.tag == json.tag);
    }

    #[test]
    fn a_tag_changes_with_every_letter_and_mark_and_with_nothing_else() {
        let of = |flow: &[DeltaOp]| Tag::of(&page(flow));
        let plain = of(&[DeltaOp::text("word\n")]);
        assert_eq!(plain, of(&[DeltaOp::text("wo"), DeltaOp::text("rd\n")]));
        assert_ne!(plain, of(&[DeltaOp::text("Word\n")]));
        let bold = delta::attrs([("bold", true.into())]);
        assert_ne!(
            plain,
            of(&[DeltaOp::text_with("word", bold), DeltaOp::text("\n")])
        );
        assert_ne!(plain, of(&[]));
    }
}
