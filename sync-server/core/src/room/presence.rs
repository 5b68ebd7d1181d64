//! Who is here: taken, gathered for a moment, and told once for all.

use sheaf_shared::ids::{ClientId, Holder};
use sheaf_shared::limits::PRESENCE_OF_VISITOR_KEPT_MS;
use sheaf_shared::presence::{self, Entry, Payload, Roster, Says, Taken};
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::time::MonotonicMs;

use super::effect::{Effect, FrameClass};
use super::frames::{Body, Frames};
use super::input::{Asks, HeardPresence, LineKey, Speaks};
use super::member::Member;
use super::{MemberId, Room};
use crate::servers::ServerId;

/// Milliseconds in which presence gathers before it goes out. The first after a quiet time goes at once.
pub(super) const GATHER_MS: u64 = 40;
/// Pause, in milliseconds, between looks at who has not been heard of for long.
const AGE_EVERY_MS: u64 = 5_000;
/// A payload about nobody.
pub(super) const NOBODY: &[u8] = &[0];

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    pub(super) roster: Roster<Source>,
    /// News by client; the latest counts.
    news: Vec<News>,
    /// Another server wants to know of everyone here.
    is_asked: bool,
    told_at: Option<MonotonicMs>,
    flush_at: Option<MonotonicMs>,
    age_at: Option<MonotonicMs>,
}

/// Who stands behind an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Member(MemberId),
    /// Who comes by exchanges, whichever brought it.
    Visitor(LineKey),
    Server(ServerId),
}

/// Whether other servers are to hear it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaches {
    Everyone,
    /// They know, or find out by themselves.
    OwnMembers,
}

#[derive(Debug)]
struct News {
    client: ClientId,
    clock: u32,
    state: Option<Box<str>>,
    reaches: Reaches,
}

impl Source {
    fn of(member: &Member) -> Self {
        member.line().map_or(Self::Member(member.id), Self::Visitor)
    }
}

impl News {
    fn entry(&self) -> Entry<'_> {
        Entry {
            client: self.client,
            clock: self.clock,
            state: self.state.as_deref(),
        }
    }
}

impl Gathering {
    pub(super) fn deadline(&self) -> Option<MonotonicMs> {
        match (self.flush_at, self.age_at) {
            (Some(flush), Some(age)) => Some(flush.min(age)),
            (flush, age) => flush.or(age),
        }
    }

    fn gather(&mut self, payload: &[u8], reaches: Reaches) {
        let Ok(payload) = Payload::parse(payload) else {
            return;
        };
        for entry in payload.entries() {
            let news = News {
                client: entry.client,
                clock: entry.clock,
                state: entry.state.map(Box::from),
                reaches,
            };
            match self
                .news
                .binary_search_by_key(&entry.client, |news| news.client)
            {
                Ok(place) => self.news[place] = news,
                Err(place) => self.news.insert(place, news),
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.roster
            .present()
            .map(|entry| entry.state.map_or(0, str::len) + 64)
            .sum()
    }
}

impl Room {
    /// A member says who it is, or passes on what it heard.
    pub(super) fn take_presence(
        &mut self,
        place: usize,
        payload: &[u8],
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let Ok(parsed) = Payload::parse(payload) else {
            return self.close_member(place, CloseReason::Refused, now, out);
        };
        let member = &mut self.members[place];
        // A client begins with itself; what it says of others it has heard, and passes on.
        member.own = member.own.or_else(|| {
            let mut here = parsed.entries().filter(|entry| entry.state.is_some());
            here.next().map(|entry| entry.client)
        });
        let (whose, own) = (member.whose, member.own);
        let says = |client| Says {
            whose,
            is_own: own == Some(client),
        };
        let source = Source::of(member);
        match self.presence.roster.take_as(parsed, source, says, now) {
            Taken::All => self.presence.gather(payload, Reaches::Everyone),
            Taken::Some(news) => self.presence.gather(&news, Reaches::Everyone),
            Taken::Nothing => {}
        }
        // While it lags, nothing may overtake what it missed; it says that it is here again and again.
        let member = &self.members[place];
        if !member.is_confirmed && !member.is_lagging {
            self.members[place].is_confirmed = true;
            if let Some(own) = parsed.entries().next() {
                self.confirm_earlier(place, own.client, now, out);
            }
        }
        self.tell_presence_soon(now, out);
    }

    /// Tells a y-websocket client again what it wrote before its connection was cut.
    ///
    /// It counts an edit as saved when it hears it back. If that echo was lost with the old socket, no difference of
    /// state vectors will ever hold the edit, as the client has it; so all of its own goes out once more.
    fn confirm_earlier(
        &mut self,
        place: usize,
        client: ClientId,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        if self.members[place].speaks != Speaks::YWebsocket || !self.members[place].is_synced {
            return;
        }
        let Some(version) = version::without(&self.copy.version(), client) else {
            return;
        };
        if let Ok(own) = self.copy.update_for(&version, self.config.part_bytes()) {
            self.send_in_parts(place, own, now, out);
        }
    }

    /// A member is gone, and all it stood behind.
    pub(super) fn take_away_presence(
        &mut self,
        id: MemberId,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let goodbyes = self.presence.roster.take_away(Source::Member(id), now);
        self.pass_on_goodbyes(goodbyes, now, out);
    }

    /// A line of visits is over, and all it stood behind.
    pub(super) fn take_away_visitor(
        &mut self,
        line: LineKey,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let goodbyes = self.presence.roster.take_away(Source::Visitor(line), now);
        self.pass_on_goodbyes(goodbyes, now, out);
    }

    fn pass_on_goodbyes(
        &mut self,
        goodbyes: Option<Vec<u8>>,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        if let Some(goodbyes) = goodbyes {
            self.presence.gather(&goodbyes, Reaches::Everyone);
            self.tell_presence_soon(now, out);
        }
    }

    /// Another server says who is at its, or passes on that someone is gone.
    pub(super) fn hear_presence(
        &mut self,
        by: ServerId,
        heard: &HeardPresence,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let payload = &heard.payload;
        let Ok(parsed) = Payload::parse(payload) else {
            return;
        };
        let source = Source::Server(by);
        let roster = &mut self.presence.roster;
        match roster.take_relayed(parsed, source, &heard.whose, now) {
            Taken::All => self.presence.gather(payload, Reaches::OwnMembers),
            Taken::Some(news) => self.presence.gather(&news, Reaches::OwnMembers),
            Taken::Nothing => {}
        }
        // Who is thought gone here stays so under the same clock. Told of it, a client counts on and is back.
        if self.is_reaching()
            && let Some(goodbyes) = self.presence.roster.contradictions(parsed)
        {
            self.tell_presence_to_neighbours(goodbyes, out);
        }
        match heard.asks {
            Asks::ForOthers => self.answer_neighbours(now, out),
            Asks::Nothing => self.tell_presence_soon(now, out),
        }
    }

    /// A server is gone, and with it everyone who came by it. The others find that out by themselves.
    pub(super) fn take_away_server(
        &mut self,
        server: ServerId,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let source = Source::Server(server);
        if let Some(goodbyes) = self.presence.roster.take_away(source, now) {
            self.presence.gather(&goodbyes, Reaches::OwnMembers);
            self.tell_presence_soon(now, out);
        }
    }

    /// Tells other servers of everyone here.
    pub(super) fn tell_all_presence_soon(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        self.presence.is_asked = true;
        self.tell_presence_soon(now, out);
    }

    fn tell_presence_soon(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        if self.presence.age_at.is_none() && !self.presence.roster.is_empty() {
            self.presence.age_at = Some(now.plus_ms(AGE_EVERY_MS));
        }
        let has_nothing = self.presence.news.is_empty() && !self.presence.is_asked;
        if has_nothing || self.presence.flush_at.is_some() {
            return;
        }
        let next = self
            .presence
            .told_at
            .map_or(now, |told| told.plus_ms(GATHER_MS));
        if now >= next {
            self.tell_presence(now, out);
        } else {
            self.presence.flush_at = Some(next);
        }
    }

    /// Sends what has gathered to everyone, its sender among them: to a y-websocket client the echo is a sign of life.
    fn tell_presence(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        self.presence.flush_at = None;
        self.presence.told_at = Some(now);
        let news = std::mem::take(&mut self.presence.news);
        self.tell_neighbours(&news, out);
        if news.is_empty() {
            return;
        }
        let entries: Vec<Entry<'_>> = news.iter().map(News::entry).collect();
        let mut frames = Frames::new(Body::Awareness(presence::encode(&entries).into()));
        for member in &mut self.members {
            let frame = match member.line() {
                None => frames.for_member(&member.speaks),
                // An exchange that waits for news must not end with what another of the same line has just said.
                Some(line) => {
                    let others = self
                        .presence
                        .roster
                        .not_said_by(&entries, &Source::Visitor(line));
                    if others.is_empty() {
                        continue;
                    }
                    let payload = presence::encode(&others).into();
                    Frames::new(Body::Awareness(payload)).for_member(&member.speaks)
                }
            };
            let _ = member.send(frame, FrameClass::Droppable, &self.config, now, out);
        }
        self.check_by(now.plus_ms(super::NO_PROGRESS_MS));
    }

    /// Tells other servers what is new of those here, or everything about them if that was asked for.
    fn tell_neighbours(&mut self, news: &[News], out: &mut Vec<Effect>) {
        let is_asked = std::mem::take(&mut self.presence.is_asked);
        if !self.is_reaching() {
            return;
        }
        let payloads = if is_asked {
            self.tell_head(out);
            // With the goodbyes of late, which they may have missed.
            let is_member =
                |source: &Source| matches!(source, Source::Member(_) | Source::Visitor(_));
            presence::encode_all(self.presence.roster.said_by(is_member))
        } else {
            let is_for_them = |news: &&News| news.reaches == Reaches::Everyone;
            presence::encode_all(news.iter().filter(is_for_them).map(News::entry))
        };
        for payload in payloads {
            self.tell_presence_to_neighbours(payload, out);
        }
    }

    fn tell_presence_to_neighbours(&self, payload: Vec<u8>, out: &mut Vec<Effect>) {
        let mut whose = Vec::new();
        if let Ok(parsed) = Payload::parse(&payload) {
            let roster = &self.presence.roster;
            whose.extend(parsed.entries().map(|entry| roster.whose(entry.client)));
        }
        if whose.iter().all(|whose| *whose == Holder::ANYONE) {
            whose.clear();
        }
        out.push(Effect::TellPresence(HeardPresence {
            payload: payload.into(),
            whose,
            asks: Asks::Nothing,
        }));
    }

    /// Everybody who is here, and the goodbyes of late: who came back quickly learns that it is thought gone.
    pub(super) fn send_everyones_presence(
        &mut self,
        place: usize,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let known = self.members[place].visit.as_ref();
        let payloads = match known {
            None => self.presence.roster.encode_all(),
            Some(visit) => self.presence.roster.news_for(&visit.known),
        };
        for payload in payloads {
            let member = &mut self.members[place];
            let frame = Frames::new(Body::Awareness(payload.into())).for_member(&member.speaks);
            let _ = member.send(frame, FrameClass::Droppable, &self.config, now, out);
        }
        self.check_by(now.plus_ms(super::NO_PROGRESS_MS));
    }

    /// A frame that changes nothing, for clients that hang up when they hear nothing.
    pub(super) fn send_sign_of_life(
        &mut self,
        place: usize,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let body = Body::Awareness(bytes::Bytes::from_static(NOBODY));
        let frame = Frames::new(body).for_member(&self.members[place].speaks);
        let _ = self.members[place].send(frame, FrameClass::Droppable, &self.config, now, out);
    }

    pub(super) fn presence_on_time(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        if self.presence.age_at.is_some_and(|at| now >= at) {
            self.presence.age_at = None;
            // Nobody else knows that these come by exchanges.
            let silent = self.presence.roster.let_go(now, |source, silent_ms| {
                matches!(source, Source::Visitor(_)) && silent_ms >= PRESENCE_OF_VISITOR_KEPT_MS
            });
            self.pass_on_goodbyes(silent, now, out);
            if let Some(goodbyes) = self.presence.roster.age(now) {
                // Others let them go by the same clock.
                self.presence.gather(&goodbyes, Reaches::OwnMembers);
            }
            self.tell_presence_soon(now, out);
        }
        if self.presence.flush_at.is_some_and(|at| now >= at) {
            self.tell_presence(now, out);
        }
    }
}

/// State vectors, edited as bytes.
mod version {
    use sheaf_shared::bytes::{Reader, put_var_uint};
    use sheaf_shared::ids::ClientId;

    /// `version` without the entry of `client`; `None` if it has none.
    pub(super) fn without(version: &[u8], client: ClientId) -> Option<Vec<u8>> {
        let mut reader = Reader::new(version);
        let count = reader.var_uint().ok()?;
        let mut others = Vec::new();
        let mut found = false;
        for _ in 0..count {
            let name = reader.var_uint().ok()?;
            let clock = reader.var_uint().ok()?;
            if name == client.0 {
                found = true;
            } else {
                others.push((name, clock));
            }
        }
        if !found {
            return None;
        }
        let mut out = Vec::with_capacity(version.len());
        put_var_uint(&mut out, others.len() as u64);
        for (name, clock) in others {
            put_var_uint(&mut out, name);
            put_var_uint(&mut out, clock);
        }
        Some(out)
    }
}
