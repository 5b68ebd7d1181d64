//! What a server is shown before a document is opened.

use super::*;
use crate::wire::hocuspocus::Auth;

#[test]
fn each_document_is_shown_with_a_token_of_its_own_and_without_one_with_that_of_all() {
    let mut stage = Stage::new();
    for own in [None, Some("in:AAAAAAAAAAAAAAAAAAAAAA")] {
        stage.replicas.token = own.map(str::to_owned);
        stage.effects.clear();
        stage.connect();
        let expected = own.unwrap_or("key");
        let shown = stage.effects.iter().find_map(|effect| {
            let Effect::Send(frame) = effect else {
                return None;
            };
            match Frame::decode(frame, From::Client) {
                Ok(Frame::Document {
                    message: Message::Auth(Auth::Token { token, .. }),
                    ..
                }) => Some(token.to_owned()),
                _ => None,
            }
        });
        assert_eq!(shown.as_deref(), Some(expected));
        stage.cut(1006);
        stage.wait_until_dialled(60_000);
    }
}
