//! A browser's line over plain HTTP, for networks that let no WebSocket through. Sans-I/O: it looks like a socket to the
//! [client](super::client), and asks its driver for requests.
//!
//! One exchange at a time says what there is to say; another waits for what others say. Each is whole in itself (see
//! [`crate::wire::exchange`]) and may be repeated, so that a lost answer costs time and nothing else. Whatever can't be put
//! right by repeating ends the line, and the client begins again from state vectors, as after a socket's end.

mod book;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::limits::EXCHANGE_HOLD_MS_MAX;
use crate::sync::backoff::Backoff;
use crate::sync::client::Documents;
use crate::time::MonotonicMs;
use crate::wire::exchange::{Answer, LineKey, Request};
use book::{Book, Item, Kind};

/// Names one request of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PostId(pub u64);

/// What happens to the line.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// The line was dialled: see whether exchanges work.
    Start,
    /// The client sends this frame. Give a [`Input::Tick`] when it has sent all that it sends now: they go together.
    Send(&'a [u8]),
    /// A request was answered.
    Answered {
        /// Which.
        post: PostId,
        /// The status.
        status: u16,
        /// The body.
        body: &'a [u8],
    },
    /// A request was not answered.
    Failed(PostId),
    /// Time has passed; come at the latest when [`Effect::WakeAt`] said.
    Tick,
}

/// What the driver must do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Post this.
    Post {
        /// Comes back with the answer.
        post: PostId,
        /// The body.
        body: Vec<u8>,
        /// It says something, which is to arrive though the page is left. One that waits ends with the page, so that the
        /// server notices that nobody waits any more.
        says: bool,
    },
    /// The answer to this is of no use any more.
    Abort(PostId),
    /// Exchanges work: tell the client that its socket is open.
    Opened,
    /// Tell the client that it received this.
    Received(Vec<u8>),
    /// Tell the client that its socket is closed, with this code. Nothing more comes out.
    Closed(u16),
    /// Send [`Input::Tick`] at this time; it replaces what was asked before.
    WakeAt(MonotonicMs),
}

/// Most frames said in one exchange.
const SAID_FRAMES_MAX: usize = 256;
/// Bytes said in one exchange. One frame may be longer.
const SAID_BYTES_MAX: usize = 512 * 1024;
/// First and longest wait, in milliseconds, for the answer to what was said, before it is said again: a connection that lives
/// through a cut is silent for long, and an edit may wait for the server's disk. Doubled with each failure.
const SAY_FIRST_MS: u64 = 2_000;
const SAY_DEADLINE_MS: u64 = 40_000;
/// Longest wait, in milliseconds, for the very first answer.
const START_DEADLINE_MS: u64 = 6_000;
/// Longest wait, in milliseconds, for an answer beyond the time it was to be held.
const HOLD_SLACK_MS: u64 = 15_000;
/// Shortest hold, in milliseconds, that is still worth it.
const HOLD_MS_MIN: u64 = 2_000;
/// How much longer, in milliseconds, the next wait is held behind one that was not cut off.
const HOLD_GROWS_MS: u64 = 1_000;
/// Shortest pause, in milliseconds, between the beginnings of two waits: what others type comes in pieces of this length.
const WAIT_EVERY_MS: u64 = 150;
/// Failures in a row after which the line is at an end.
const FAILURES_MAX: u32 = 5;
/// First bound, in milliseconds, of the pause after a failure; doubled with each.
const PAUSE_MS: u64 = 150;
/// Longest body, in bytes, that a page may send while it is being left.
const LAST_BYTES_MAX: usize = 48 * 1024;
/// The code of a connection that ended without one.
const CUT: u16 = 1006;
/// The status of a server that takes nothing now: another may, or the same one soon.
const BUSY: u16 = 503;

/// An exchange that says something.
#[derive(Debug)]
struct Saying {
    post: PostId,
    body: Vec<u8>,
    said: Vec<Item>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// On its way.
    Posted { deadline: MonotonicMs },
    /// Say it again then.
    Again { at: MonotonicMs },
}

/// An exchange that waits for others to say something.
#[derive(Debug)]
struct Waiting {
    post: PostId,
    since: MonotonicMs,
    hold_ms: u64,
    /// The documents it follows, by their addresses.
    follows: Vec<String>,
}

/// See the module.
#[derive(Debug)]
pub struct Exchanges {
    key: LineKey,
    chance: Backoff,
    book: Book,
    to_say: VecDeque<Item>,
    saying: Option<Saying>,
    waiting: Option<Waiting>,
    /// When it may wait again.
    wait_from: MonotonicMs,
    hold_ms: u64,
    failures: u32,
    posts: u64,
    is_open: bool,
    is_over: bool,
    wakes_at: Option<MonotonicMs>,
}

impl Exchanges {
    /// A line that was not begun. `seed` is drawn by chance; no two lines may share one.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            key: LineKey(seed),
            chance: Backoff::new(seed),
            book: Book::default(),
            to_say: VecDeque::new(),
            saying: None,
            waiting: None,
            wait_from: MonotonicMs(0),
            hold_ms: EXCHANGE_HOLD_MS_MAX,
            failures: 0,
            posts: 0,
            is_open: false,
            is_over: false,
            wakes_at: None,
        }
    }

    /// Takes one input; appends what is to be done to `out`.
    pub fn handle(
        &mut self,
        input: Input<'_>,
        now: MonotonicMs,
        documents: &mut dyn Documents,
        out: &mut Vec<Effect>,
    ) {
        if self.is_over {
            return;
        }
        match input {
            Input::Start => self.say(Vec::new(), now, out),
            Input::Send(frame) => self.queue(frame),
            Input::Answered { post, status, body } => self.answered(post, status, body, now, out),
            Input::Failed(post) => self.failed(post, None, now, out),
            Input::Tick => {}
        }
        if matches!(input, Input::Send(_)) {
            return;
        }
        self.on_time(now, out);
        self.go_on(now, documents, out);
        self.wake(out);
    }

    /// What to send when the page is being left: what waits to be said, and a goodbye. `None` if there is nothing.
    #[must_use]
    pub fn last_words(&mut self) -> Option<Vec<u8>> {
        let mut items: Vec<Item> = self.to_say.drain(..).collect();
        items.extend(self.book.goodbyes());
        let mut bytes = 0;
        items.retain(|item| {
            bytes += item.frame.len();
            bytes <= LAST_BYTES_MAX
        });
        (self.is_open && !self.is_over && !items.is_empty()).then(|| self.request(&items, &[], 0))
    }

    fn queue(&mut self, frame: &[u8]) {
        let Some(item) = self.book.note_sent(frame) else {
            return;
        };
        if item.kind == Kind::Presence {
            let is_older = |one: &Item| one.kind == Kind::Presence && one.address == item.address;
            self.to_say.retain(|one| !is_older(one));
        }
        self.to_say.push_back(item);
    }

    /// The body of a request that says `items`, each document's token first, and follows these documents.
    fn request(&self, items: &[Item], follows: &[String], hold_ms: u64) -> Vec<u8> {
        let tokens = self.book.tokens_for(items);
        let mut frames: Vec<&[u8]> = tokens.iter().map(Vec::as_slice).collect();
        frames.extend(items.iter().map(|item| &item.frame[..]));
        let request = Request {
            line: self.key,
            hold_ms,
            followed: self.book.followed(items, follows),
            frames,
        };
        request.encode()
    }

    fn post(&mut self) -> PostId {
        self.posts += 1;
        PostId(self.posts)
    }

    /// Begins an exchange that says `said`.
    fn say(&mut self, said: Vec<Item>, now: MonotonicMs, out: &mut Vec<Effect>) {
        let post = self.post();
        let body = self.request(&said, &[], 0);
        out.push(Effect::Post {
            post,
            body: body.clone(),
            says: true,
        });
        let within_ms = if self.is_open {
            self.say_within_ms()
        } else {
            START_DEADLINE_MS
        };
        self.saying = Some(Saying {
            post,
            body,
            said,
            stage: Stage::Posted {
                deadline: now.plus_ms(within_ms),
            },
        });
    }

    /// Begins what can be begun.
    fn go_on(&mut self, now: MonotonicMs, documents: &mut dyn Documents, out: &mut Vec<Effect>) {
        if self.is_over || !self.is_open {
            return;
        }
        if self.saying.is_none() && !self.to_say.is_empty() {
            let said = self.take_what_fits();
            self.book.note_said(&said);
            self.say(said, now, out);
        }
        let follows = self.book.to_follow();
        let is_outdated = |waiting: &mut Waiting| waiting.follows != follows;
        if let Some(outdated) = self.waiting.take_if(is_outdated) {
            out.push(Effect::Abort(outdated.post));
        }
        if self.waiting.is_none() && !follows.is_empty() && now >= self.wait_from {
            let items = self.book.questions(&follows, documents);
            let post = self.post();
            let hold_ms = self.hold_ms;
            let body = self.request(&items, &follows, hold_ms);
            let says = false;
            out.push(Effect::Post { post, body, says });
            self.waiting = Some(Waiting {
                post,
                since: now,
                hold_ms,
                follows,
            });
        }
    }

    fn take_what_fits(&mut self) -> Vec<Item> {
        let mut said = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.to_say.front() {
            bytes += next.frame.len();
            let is_full = said.len() >= SAID_FRAMES_MAX || bytes > SAID_BYTES_MAX;
            // Who left comes in anew, with a token: in an exchange of its own.
            let left = |one: &Item| one.kind == Kind::Leave && one.address == next.address;
            let is_full = is_full || said.iter().any(left);
            if is_full && !said.is_empty() {
                break;
            }
            said.extend(self.to_say.pop_front());
        }
        said
    }

    fn answered(
        &mut self,
        post: PostId,
        status: u16,
        body: &[u8],
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let answer = Answer::decode(body).ok().filter(|_| status == 200);
        let Some(answer) = answer else {
            return self.failed(post, Some(status), now, out);
        };
        let said = self.saying.take_if(|saying| saying.post == post);
        let waited = self.waiting.take_if(|waiting| waiting.post == post);
        if said.is_none() && waited.is_none() {
            // It was given up. What it says comes again.
            return;
        }
        self.failures = 0;
        if !self.is_open {
            self.is_open = true;
            out.push(Effect::Opened);
        }
        if let Some(waited) = waited {
            // What was held to the end may be held longer: it need not have been the network that cut another one off.
            let lasted_ms = now.ms_since(waited.since);
            if lasted_ms >= waited.hold_ms {
                self.hold_ms = (waited.hold_ms + HOLD_GROWS_MS).min(EXCHANGE_HOLD_MS_MAX);
            }
            // No pause behind a long wait: timers of hidden pages are slow.
            self.wait_from = waited.since.plus_ms(WAIT_EVERY_MS);
        }
        let said = said.map_or_else(Vec::new, |saying| saying.said);
        let is_complete = self.book.note_answer(&said, &answer.frames, |frame| {
            out.push(Effect::Received(frame.to_vec()));
        });
        if let Some(code) = answer.closed {
            self.end(code, out);
        } else if !is_complete {
            // Something said has no answer, and will not get one any more.
            self.end(CUT, out);
        }
    }

    fn failed(
        &mut self,
        post: PostId,
        status: Option<u16>,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        if let Some(waited) = self.waiting.take_if(|waiting| waiting.post == post) {
            let lasted_ms = now.ms_since(waited.since);
            if lasted_ms >= HOLD_MS_MIN && waited.hold_ms > HOLD_MS_MIN {
                // Something on the way has less patience: hold less long.
                self.hold_ms = (waited.hold_ms.min(lasted_ms) / 2).max(HOLD_MS_MIN);
            } else {
                self.failures += 1;
            }
            self.wait_from = now.plus_ms(self.pause_ms());
        } else if self.saying.as_ref().is_some_and(|one| one.post == post) {
            self.failures += 1;
            // A server that is not there at all is the client's business, which may try the other way.
            if !self.is_open && status != Some(BUSY) {
                return self.end(CUT, out);
            }
            let at = now.plus_ms(self.pause_ms());
            if let Some(saying) = &mut self.saying {
                saying.stage = Stage::Again { at };
            }
        }
        if self.failures >= FAILURES_MAX {
            self.end(CUT, out);
        }
    }

    /// Half of a bound that grows with each failure, and up to as much again by chance.
    fn pause_ms(&mut self) -> u64 {
        let bound = PAUSE_MS << self.failures.min(FAILURES_MAX);
        bound / 2 + self.chance.below(bound / 2 + 1)
    }

    fn say_within_ms(&self) -> u64 {
        (SAY_FIRST_MS << self.failures).min(SAY_DEADLINE_MS)
    }

    fn on_time(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        let say_within_ms = self.say_within_ms();
        if let Some(saying) = &mut self.saying {
            match saying.stage {
                Stage::Posted { deadline } if now >= deadline => {
                    let post = saying.post;
                    out.push(Effect::Abort(post));
                    // What waits may wait at the same dead end.
                    out.extend(
                        self.waiting
                            .take()
                            .map(|waiting| Effect::Abort(waiting.post)),
                    );
                    self.failed(post, None, now, out);
                }
                Stage::Again { at } if now >= at => {
                    self.posts += 1;
                    saying.post = PostId(self.posts);
                    saying.stage = Stage::Posted {
                        deadline: now.plus_ms(say_within_ms),
                    };
                    out.push(Effect::Post {
                        post: saying.post,
                        body: saying.body.clone(),
                        says: true,
                    });
                }
                Stage::Posted { .. } | Stage::Again { .. } => {}
            }
        }
        if let Some(waiting) = &self.waiting
            && now >= waiting.deadline()
        {
            let post = waiting.post;
            out.push(Effect::Abort(post));
            // It was silent beyond its time: that says nothing about how long it may be held.
            self.waiting = None;
            self.failures += 1;
            self.wait_from = now;
            if self.failures >= FAILURES_MAX {
                self.end(CUT, out);
            }
        }
    }

    fn end(&mut self, code: u16, out: &mut Vec<Effect>) {
        if !self.is_over {
            self.is_over = true;
            out.push(Effect::Closed(code));
        }
    }

    fn wake(&mut self, out: &mut Vec<Effect>) {
        let of_saying = self.saying.as_ref().map(|saying| match saying.stage {
            Stage::Posted { deadline: at } | Stage::Again { at } => at,
        });
        let of_waiting = match &self.waiting {
            Some(waiting) => Some(waiting.deadline()),
            None if self.is_open && self.book.follows_any() => Some(self.wait_from),
            None => None,
        };
        let at = match (of_saying, of_waiting) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        if let Some(at) = at
            && self.wakes_at != Some(at)
            && !self.is_over
        {
            out.push(Effect::WakeAt(at));
        }
        self.wakes_at = at;
    }
}

impl Waiting {
    fn deadline(&self) -> MonotonicMs {
        self.since.plus_ms(self.hold_ms + HOLD_SLACK_MS)
    }
}
