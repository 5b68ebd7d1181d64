//! What a client makes of being told that it may write, or may not.

use super::*;
use crate::access::Role;
use crate::wire::hocuspocus::Auth;

#[test]
fn a_refused_edit_is_reported_with_its_reason_and_kept_until_it_may_go() {
    let mut stage = Stage::live();
    stage.edit();
    stage.fact(ServerFact::Refused(Refused::ReadOnly));
    stage.status(false);
    let refused = DocStatus::Refused {
        waiting: 1,
        why: Refused::ReadOnly,
    };
    assert_eq!(stage.shown(), refused);
    stage.sent();
    stage.edit();
    assert_eq!(stage.sent(), [], "no use sending more");
    stage.fact(ServerFact::Role(Role::Editor));
    assert_eq!(stage.sent(), [Sent::Step1]);
    stage.exchange();
    stage.status(true);
    assert_eq!(stage.shown(), DocStatus::Saved);
}

#[test]
fn whoever_comes_in_again_learns_from_the_answer_to_the_token_whether_they_may_still_write() {
    for (read_only, role) in [(true, Role::Viewer), (false, Role::Editor)] {
        let mut stage = Stage::live();
        stage.effects.clear();
        stage.hear(Message::Auth(Auth::Granted { read_only }));
        let told = stage.effects.iter().any(
            |effect| matches!(effect, Effect::Fact { fact, .. } if *fact == ServerFact::Role(role)),
        );
        assert!(told, "read only: {read_only}");
    }
}
