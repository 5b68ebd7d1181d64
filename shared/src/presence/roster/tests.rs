//! A server's view of everybody, told by a few people at once.

use super::*;

const START: MonotonicMs = MonotonicMs(1_000);
const ANN: u64 = 7;
const BEN: u64 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Socket(u32);

const FIRST: Socket = Socket(1);
const SECOND: Socket = Socket(2);

fn payload(entries: &[(u64, u32, Option<&str>)]) -> Vec<u8> {
    let entries: Vec<_> = entries
        .iter()
        .map(|&(client, clock, state)| Entry {
            client: ClientId(client),
            clock,
            state,
        })
        .collect();
    encode(&entries)
}

fn take(roster: &mut Roster<Socket>, by: Socket, entries: &[(u64, u32, Option<&str>)]) -> Taken {
    roster.take(Payload::parse(&payload(entries)).unwrap(), by, START)
}

fn heard(bytes: &[u8]) -> Vec<(u64, u32, Option<String>)> {
    let entries = Payload::parse(bytes).unwrap().entries();
    entries
        .map(|e| (e.client.0, e.clock, e.state.map(str::to_owned)))
        .collect()
}

#[test]
fn a_newer_clock_wins_and_at_the_same_clock_only_a_goodbye_does() {
    let mut roster = Roster::default();
    assert_eq!(take(&mut roster, FIRST, &[(ANN, 5, Some("1"))]), Taken::All);
    assert_eq!(
        take(&mut roster, FIRST, &[(ANN, 5, Some("2"))]),
        Taken::Nothing
    );
    assert_eq!(take(&mut roster, FIRST, &[(ANN, 4, None)]), Taken::Nothing);
    assert_eq!(take(&mut roster, FIRST, &[(ANN, 5, None)]), Taken::All);
    assert_eq!(take(&mut roster, FIRST, &[(ANN, 5, None)]), Taken::Nothing);
    assert_eq!(
        take(&mut roster, FIRST, &[(ANN, 5, Some("3"))]),
        Taken::Nothing
    );
    assert_eq!(take(&mut roster, FIRST, &[(ANN, 6, Some("4"))]), Taken::All);
    assert_eq!(roster.present().count(), 1);
}

#[test]
fn only_news_is_passed_on() {
    let mut roster = Roster::default();
    take(&mut roster, FIRST, &[(ANN, 5, Some("1"))]);
    let taken = take(
        &mut roster,
        SECOND,
        &[(ANN, 5, Some("1")), (BEN, 1, Some("2"))],
    );
    assert_eq!(taken, Taken::Some(payload(&[(BEN, 1, Some("2"))])));
}

#[test]
fn a_connection_that_ends_takes_everyone_with_it_whom_it_introduced() {
    let mut roster = Roster::default();
    take(
        &mut roster,
        FIRST,
        &[(ANN, 5, Some("1")), (BEN, 9, Some("2"))],
    );
    take(&mut roster, SECOND, &[(20, 1, Some("3"))]);
    let goodbyes = roster.take_away(FIRST, START).unwrap();
    assert_eq!(heard(&goodbyes), [(ANN, 5, None), (BEN, 9, None)]);
    assert_eq!(roster.take_away(FIRST, START), None);
    assert_eq!(roster.present().count(), 1);
}

#[test]
fn who_came_back_on_a_new_connection_stays_when_the_old_one_ends() {
    let mut roster = Roster::default();
    take(&mut roster, FIRST, &[(ANN, 5, Some("1"))]);
    take(&mut roster, SECOND, &[(ANN, 6, Some("1"))]);
    assert_eq!(roster.take_away(FIRST, START), None);
}

#[test]
fn who_is_said_to_be_here_is_contradicted_only_while_thought_gone_under_that_clock() {
    let mut roster = Roster::default();
    take(
        &mut roster,
        FIRST,
        &[(ANN, 5, Some("1")), (BEN, 1, Some("2"))],
    );
    let claim = |roster: &Roster<Socket>, clock| {
        let claim = payload(&[(ANN, clock, Some("1")), (BEN, 1, Some("2"))]);
        roster.contradictions(Payload::parse(&claim).unwrap())
    };
    assert_eq!(claim(&roster, 5), None, "she is here");
    roster.take_away(FIRST, START);
    take(&mut roster, SECOND, &[(BEN, 2, Some("2"))]);
    assert_eq!(claim(&roster, 4), Some(payload(&[(ANN, 5, None)])));
    assert_eq!(claim(&roster, 5), Some(payload(&[(ANN, 5, None)])));
    assert_eq!(claim(&roster, 6), None, "that is news");
    let said: Vec<_> = roster.said_by(|by| *by == SECOND).collect();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].client, ClientId(BEN));
}

#[test]
fn a_newcomer_hears_of_those_who_just_left() {
    let mut roster = Roster::default();
    take(&mut roster, FIRST, &[(ANN, 5, Some("1"))]);
    take(&mut roster, SECOND, &[(BEN, 1, Some("2"))]);
    roster.take_away(FIRST, START);
    let all = roster.encode_all();
    assert_eq!(all.len(), 1);
    assert_eq!(heard(&all[0]), [(ANN, 5, None), (BEN, 1, Some("2".into()))]);
}

#[test]
fn the_roster_forgets_those_long_gone_and_lets_the_silent_go() {
    let mut roster = Roster::default();
    take(&mut roster, FIRST, &[(ANN, 5, Some("1"))]);
    assert_eq!(roster.age(START.plus_ms(PRESENCE_STATE_KEPT_MS - 1)), None);
    let goodbyes = roster.age(START.plus_ms(PRESENCE_STATE_KEPT_MS)).unwrap();
    assert_eq!(heard(&goodbyes), [(ANN, 5, None)]);
    assert!(!roster.is_empty());
    roster.age(START.plus_ms(PRESENCE_STATE_KEPT_MS + PRESENCE_GONE_KEPT_MS));
    assert!(roster.is_empty());
}

#[test]
fn a_thousand_people_who_come_and_go_leave_nothing_behind() {
    let mut roster = Roster::default();
    let mut now = START;
    for client in 0..10_000 {
        let bytes = payload(&[(client, 1, Some("{}"))]);
        roster.take(Payload::parse(&bytes).unwrap(), FIRST, now);
        roster.take_away(FIRST, now);
        now = now.plus_ms(1_000);
        roster.age(now);
        assert!(roster.entries.len() <= 1 + PRESENCE_GONE_KEPT_MS as usize / 1_000);
    }
}

#[test]
fn one_connection_cannot_fill_the_roster() {
    let mut roster = Roster::default();
    for client in 0..1_000 {
        take(&mut roster, FIRST, &[(client, 1, Some("{}"))]);
    }
    assert_eq!(
        roster.present().count(),
        PRESENCE_ENTRIES_PER_CONNECTION_MAX
    );
    assert_eq!(
        take(&mut roster, FIRST, &[(3, 2, Some("{}"))]),
        Taken::All,
        "those it has go on"
    );
    assert_eq!(
        take(&mut roster, SECOND, &[(5_000, 1, Some("{}"))]),
        Taken::All
    );
    let crowd: Vec<_> = (6_000..6_100)
        .map(|client| (client, 1, Some("{}")))
        .collect();
    let relayed = payload(&crowd);
    assert_eq!(
        roster.take_relayed(Payload::parse(&relayed).unwrap(), Socket(3), &[], START),
        Taken::All
    );
}

#[test]
fn many_connections_cannot_fill_memory() {
    let mut roster = Roster::default();
    for client in 0..6_000_u64 {
        take(
            &mut roster,
            Socket(client as u32),
            &[(client, 1, Some("{}"))],
        );
    }
    assert_eq!(roster.present().count(), PRESENCE_ENTRIES_MAX);
}

#[test]
fn a_state_that_is_too_long_is_not_shown_to_others() {
    let mut roster = Roster::default();
    let long = format!("\"{}\"", "x".repeat(PRESENCE_STATE_BYTES_MAX));
    assert_eq!(
        take(&mut roster, FIRST, &[(ANN, 1, Some(&long))]),
        Taken::Nothing
    );
}

#[test]
fn a_full_house_is_told_in_payloads_that_pass_the_gate() {
    let mut roster = Roster::default();
    let state = format!("\"{}\"", "x".repeat(PRESENCE_STATE_BYTES_MAX - 2));
    for client in 0..200_u64 {
        take(
            &mut roster,
            Socket(client as u32),
            &[(client + (1 << 50), 1, Some(&state))],
        );
    }
    let all = roster.encode_all();
    assert!(all.len() > 1);
    let told: usize = all.iter().map(|bytes| heard(bytes).len()).sum();
    assert_eq!(told, 200);
}

#[test]
fn one_who_says_whom_she_knows_is_told_only_what_is_new() {
    let mut roster = Roster::default();
    take(
        &mut roster,
        FIRST,
        &[(ANN, 5, Some("1")), (BEN, 9, Some("2"))],
    );
    let known = |client, clock, is_here| Known {
        client: ClientId(client),
        clock,
        is_here,
    };
    let news = |roster: &Roster<Socket>, known: &[Known]| {
        let payloads = roster.news_for(known);
        payloads
            .iter()
            .flat_map(|bytes| heard(bytes))
            .collect::<Vec<_>>()
    };
    let both = [known(ANN, 5, true), known(BEN, 9, true)];
    assert_eq!(news(&roster, &both), []);
    assert_eq!(news(&roster, &both[1..]), [(ANN, 5, Some("1".into()))]);
    let older = [known(ANN, 4, true), known(BEN, 10, true)];
    assert_eq!(news(&roster, &older), [(ANN, 5, Some("1".into()))]);
    roster.take_away(FIRST, START);
    assert_eq!(news(&roster, &both[..1]), [(ANN, 5, None)]);
    let gone = [known(ANN, 5, false), known(BEN, 9, false)];
    assert_eq!(news(&roster, &gone), [], "told already");
    assert_eq!(news(&roster, &[]), [], "who was never known is not missed");
}

#[test]
fn what_one_says_again_is_no_news_and_still_a_sign_of_life() {
    let mut roster = Roster::default();
    take(&mut roster, FIRST, &[(ANN, 5, Some("1"))]);
    let again = payload(&[(ANN, 5, Some("1"))]);
    let later = START.plus_ms(1_000);
    let silent = |roster: &mut Roster<Socket>| {
        roster.let_go(START.plus_ms(1_500), |_, silent_ms| silent_ms >= 1_000)
    };
    let by_another = roster.take(Payload::parse(&again).unwrap(), SECOND, later);
    assert_eq!(by_another, Taken::Nothing);
    let mut without = roster.clone();
    assert!(
        silent(&mut without).is_some(),
        "another does not speak for her"
    );
    let by_her = roster.take(Payload::parse(&again).unwrap(), FIRST, later);
    assert_eq!(by_her, Taken::Nothing);
    assert_eq!(silent(&mut roster), None);
}

const ANNS: Holder = Holder(1);
const BENS: Holder = Holder(2);

fn take_as(
    roster: &mut Roster<Socket>,
    by: Socket,
    (whose, own): (Holder, u64),
    entries: &[(u64, u32, Option<&str>)],
) -> Taken {
    let payload = payload(entries);
    let says = |client: ClientId| Says {
        whose,
        is_own: client.0 == own,
    };
    roster.take_as(Payload::parse(&payload).unwrap(), by, says, START)
}

#[test]
fn what_is_said_of_somebody_elses_client_is_not_taken_and_the_rest_of_it_is() {
    let mut roster = Roster::default();
    take_as(&mut roster, FIRST, (ANNS, ANN), &[(ANN, 5, Some("1"))]);
    let both = [(ANN, 9, Some("2")), (BEN, 1, Some("3"))];
    let Taken::Some(news) = take_as(&mut roster, SECOND, (BENS, BEN), &both) else {
        panic!("one of two is news");
    };
    assert_eq!(heard(&news), [(BEN, 1, Some("3".to_owned()))]);
    let goodbye = [(ANN, 5, None)];
    let taken = take_as(&mut roster, SECOND, (BENS, BEN), &goodbye);
    assert_eq!(taken, Taken::Nothing);
    assert_eq!(roster.whose(ClientId(ANN)), ANNS);
    // She herself, by another line, and after a goodbye.
    let taken = take_as(&mut roster, Socket(3), (ANNS, ANN), &[(ANN, 6, None)]);
    assert_eq!(taken, Taken::All);
    let again = [(ANN, 7, Some("4"))];
    assert_eq!(
        take_as(&mut roster, SECOND, (BENS, ANN), &again),
        Taken::Nothing
    );
    assert_eq!(take_as(&mut roster, FIRST, (ANNS, ANN), &again), Taken::All);
}

#[test]
fn those_who_are_passed_on_leave_room_for_those_who_say_it_of_themselves() {
    let mut roster = Roster::default();
    let each = PRESENCE_ENTRIES_PER_CONNECTION_MAX as u64;
    for socket in 0..=PRESENCE_ENTRIES_MAX as u64 / each {
        let said: Vec<_> = (0..each)
            .map(|nth| (1_000 + socket * each + nth, 1, Some("{}")))
            .collect();
        let socket = Socket(100 + socket as u32);
        take_as(&mut roster, socket, (BENS, BEN), &said);
    }
    assert_eq!(roster.present().count(), PRESENCE_ENTRIES_MAX / 2);
    let taken = take_as(&mut roster, FIRST, (ANNS, ANN), &[(ANN, 1, Some("1"))]);
    assert_eq!(taken, Taken::All);
}
