//! Many clients in one thread: who sits in which document, who writes, what each has received.

use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use crate::histogram::Histogram;
use crate::seen::Seen;
use crate::websocket::{Socket, Target};
use crate::ydoc::{self, frame};

mod receiving;

/// The writers' client ids start here.
const FIRST_CLIENT: u64 = 1_000;
const PRESENCE_EVERY: Duration = Duration::from_secs(15);
/// Sockets being opened at one time.
const OPENING_AT_ONCE: usize = 64;

/// Who there is.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Documents.
    pub docs: usize,
    /// People in each.
    pub clients_per_doc: usize,
    /// How many of them type.
    pub writers_per_doc: usize,
    /// What the documents' names begin with: fresh for each run.
    pub names: String,
}

impl Plan {
    /// Name of document `doc`.
    #[must_use]
    pub fn name(&self, doc: usize) -> String {
        format!("{}-{doc}", self.names)
    }
}

struct Member {
    doc: usize,
    writer: Option<usize>,
    synced: bool,
    closed: bool,
    /// The server has asked what it has, on this connection.
    asked: bool,
    /// Bytes of the last answer to its step 1.
    sync_bytes: usize,
    /// Clocks seen, over all writers.
    clocks: u64,
    /// Characters it holds of each writer of its document.
    have: Vec<u32>,
}

struct Writer {
    member: usize,
    sent_at: Vec<Instant>,
    /// Receivers that still lack character `k`.
    lacking: Vec<u32>,
    complete: usize,
}

struct State {
    /// Which of the targets each client is at, or dials next.
    at: Vec<usize>,
    plan: Plan,
    members: Vec<Member>,
    writers: Vec<Writer>,
    seen: Seen,
    replies: Vec<(usize, Vec<u8>)>,
    problems: Vec<String>,
}

/// All clients of a run.
pub struct Crowd {
    /// Client `n` goes to the one at `n` modulo their number, at first.
    targets: Vec<Target>,
    /// Whoever is closed goes to the next target.
    comes_back: bool,
    poll: Poll,
    events: Events,
    sockets: Vec<Option<Socket>>,
    scratch: Vec<u8>,
    state: State,
    presence_at: Instant,
    presence_clock: u64,
}

impl Crowd {
    /// Prepares the clients of `plan`; nobody is connected yet.
    ///
    /// # Errors
    /// When the system gives no poll.
    pub fn new(target: Target, plan: Plan) -> io::Result<Self> {
        Self::across(vec![target], plan)
    }

    /// The same, with clients of each document at several servers in turn. `targets` is not empty.
    ///
    /// # Errors
    /// As [`Crowd::new`].
    pub fn across(targets: Vec<Target>, plan: Plan) -> io::Result<Self> {
        let mut members = Vec::new();
        let mut writers = Vec::new();
        for doc in 0..plan.docs {
            for seat in 0..plan.clients_per_doc {
                let writer = (seat < plan.writers_per_doc).then(|| {
                    let member = members.len();
                    writers.push(Writer {
                        member,
                        sent_at: Vec::new(),
                        lacking: Vec::new(),
                        complete: 0,
                    });
                    writers.len() - 1
                });
                let have = vec![0; plan.writers_per_doc];
                members.push(Member {
                    doc,
                    writer,
                    synced: false,
                    closed: false,
                    asked: false,
                    sync_bytes: 0,
                    clocks: 0,
                    have,
                });
            }
        }
        let at = (0..members.len()).map(|member| member % targets.len());
        let at = at.collect();
        Ok(Self {
            targets,
            comes_back: false,
            poll: Poll::new()?,
            events: Events::with_capacity(4_096),
            sockets: (0..members.len()).map(|_| None).collect(),
            scratch: vec![0; 256 * 1024],
            state: State {
                at,
                plan,
                members,
                writers,
                seen: Seen::default(),
                replies: Vec::new(),
                problems: Vec::new(),
            },
            presence_at: Instant::now() + PRESENCE_EVERY,
            presence_clock: 1,
        })
    }

    /// Connects `who` (indices of clients), some at a time, until all are in sync.
    ///
    /// Returns each one's time from dialling to being in sync.
    ///
    /// # Errors
    /// When sockets cannot be opened, or not all are in sync within `patience`.
    pub fn join(
        &mut self,
        who: &[usize],
        at_once: usize,
        patience: Duration,
    ) -> io::Result<Histogram> {
        let deadline = Instant::now() + patience;
        let mut waiting: Vec<(usize, Instant)> = Vec::new();
        let mut next = 0;
        let mut times = Histogram::default();
        while next < who.len() || !waiting.is_empty() {
            while next < who.len() && waiting.len() < at_once {
                self.dial(who[next])?;
                waiting.push((who[next], Instant::now()));
                next += 1;
            }
            self.turn(Duration::from_millis(1))?;
            let now = Instant::now();
            waiting.retain(|&(member, since)| {
                let done = self.state.members[member].synced;
                if done {
                    times.add(now.duration_since(since).as_micros() as u64);
                }
                !done
            });
            if now > deadline {
                let missing = waiting.len() + who.len() - next;
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("{missing} clients are not in sync"),
                ));
            }
        }
        Ok(times)
    }

    /// Connects everybody, 64 at a time.
    ///
    /// # Errors
    /// As [`Crowd::join`].
    pub fn join_all(&mut self) -> io::Result<Histogram> {
        let everybody: Vec<usize> = (0..self.sockets.len()).collect();
        self.join(&everybody, OPENING_AT_ONCE, Duration::from_secs(60))
    }

    fn dial(&mut self, member: usize) -> io::Result<()> {
        let name = self.state.plan.name(self.state.members[member].doc);
        let target = &self.targets[self.state.at[member]];
        let mut socket = Socket::dial(target, &name)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut socket.stream, Token(member), interest)?;
        let Member {
            synced,
            closed,
            asked,
            ..
        } = &mut self.state.members[member];
        (*synced, *closed, *asked) = (false, false, false);
        self.sockets[member] = Some(socket);
        Ok(())
    }

    /// From now on, whoever a server closes goes to the next one, with what it has, and says again what is not stored.
    pub const fn come_back(&mut self) {
        self.comes_back = true;
    }

    /// Those who are closed dial the next server.
    fn dial_again(&mut self) -> io::Result<()> {
        for member in 0..self.sockets.len() {
            if self.state.members[member].closed {
                self.state.at[member] = (self.state.at[member] + 1) % self.targets.len();
                self.dial(member)?;
            }
        }
        Ok(())
    }

    /// Cuts the lines of `who` without a word.
    pub fn cut(&mut self, who: &[usize]) {
        for &member in who {
            self.sockets[member] = None;
            self.state.members[member].synced = false;
        }
    }

    /// Waits up to `patience` for something to happen and handles all that did.
    ///
    /// # Errors
    /// When the poll fails.
    pub fn turn(&mut self, patience: Duration) -> io::Result<()> {
        if let Err(error) = self.poll.poll(&mut self.events, Some(patience)) {
            return if error.kind() == io::ErrorKind::Interrupted {
                Ok(())
            } else {
                Err(error)
            };
        }
        let Self {
            events,
            sockets,
            state,
            scratch,
            comes_back,
            ..
        } = self;
        for event in events.iter() {
            let member = event.token().0;
            let Some(socket) = &mut sockets[member] else {
                continue;
            };
            if event.is_writable() {
                socket.flush();
            }
            let turn = socket.read(scratch, |bytes| state.receive(member, bytes));
            if turn.opened {
                let version = state.version_of(member);
                socket.feed(&frame::step1(&version));
                socket.send(&frame::presence(presence_id(member), 1));
            }
            if turn.closed && !state.members[member].closed {
                state.members[member].closed = true;
                if !*comes_back {
                    let closed = format!("the server closed client {member}");
                    state.problems.push(closed);
                }
            }
        }
        for (member, bytes) in state.replies.drain(..) {
            if let Some(socket) = &mut sockets[member] {
                socket.send(&bytes);
            }
        }
        self.announce();
        if self.comes_back {
            self.dial_again()?;
        }
        Ok(())
    }

    fn announce(&mut self) {
        if Instant::now() < self.presence_at {
            return;
        }
        self.presence_at = Instant::now() + PRESENCE_EVERY;
        self.presence_clock += 1;
        for (member, socket) in self.sockets.iter_mut().enumerate() {
            if let Some(socket) = socket.as_mut().filter(|socket| socket.is_open()) {
                socket.send(&frame::presence(presence_id(member), self.presence_clock));
            }
        }
    }

    /// Writer `writer` types `count` characters, in one write.
    pub fn type_letters(&mut self, writer: usize, count: usize) {
        let receivers = self.state.plan.clients_per_doc as u32 - 1;
        let Writer {
            member,
            sent_at,
            lacking,
            ..
        } = &mut self.state.writers[writer];
        let Some(socket) = &mut self.sockets[*member] else {
            return;
        };
        // Who is just coming back is asked for it in a moment.
        let is_heard = !self.comes_back || self.state.members[*member].asked;
        for _ in 0..count {
            let clock = sent_at.len() as u64;
            let letter = letter_at(clock);
            sent_at.push(Instant::now());
            lacking.push(receivers);
            let update = ydoc::append(FIRST_CLIENT + writer as u64, clock, letter);
            if is_heard {
                socket.feed(&frame::update(&update));
            }
        }
        socket.flush();
        self.state.seen.edits += count as u64;
    }

    /// Writers there are.
    #[must_use]
    pub fn writers(&self) -> usize {
        self.state.writers.len()
    }

    /// Clients that do not write.
    #[must_use]
    pub fn readers(&self) -> Vec<usize> {
        (0..self.state.members.len())
            .filter(|&member| self.state.members[member].writer.is_none())
            .collect()
    }

    /// Characters of `writer` that are sent and not yet with every receiver.
    #[must_use]
    pub fn on_the_way(&self, writer: usize) -> usize {
        let writer = &self.state.writers[writer];
        writer.sent_at.len() - writer.complete
    }

    /// Waits until everything written is everywhere.
    ///
    /// # Errors
    /// When that takes longer than `patience`.
    pub fn settle(&mut self, patience: Duration) -> io::Result<()> {
        let deadline = Instant::now() + patience;
        while (0..self.writers()).any(|writer| self.on_the_way(writer) > 0) {
            self.turn(Duration::from_millis(5))?;
            if Instant::now() > deadline {
                let lost: usize = (0..self.writers())
                    .map(|writer| self.on_the_way(writer))
                    .sum();
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("{lost} characters did not arrive"),
                ));
            }
        }
        Ok(())
    }

    /// Forgets what was seen so far and returns it.
    pub fn reset(&mut self) -> Seen {
        std::mem::take(&mut self.state.seen)
    }

    /// What went wrong so far.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.state.problems
    }

    /// Sends `bytes` as one frame of client `member`.
    pub fn send_raw(&mut self, member: usize, bytes: &[u8]) {
        if let Some(socket) = &mut self.sockets[member] {
            socket.send(bytes);
        }
    }

    /// Bytes of the last answer to `member`'s step 1, and clocks it has seen in all.
    #[must_use]
    pub fn received(&self, member: usize) -> (usize, u64) {
        (
            self.state.members[member].sync_bytes,
            self.state.members[member].clocks,
        )
    }

    /// Clients whose connection stands and is in sync.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.state
            .members
            .iter()
            .filter(|member| member.synced && !member.closed)
            .count()
    }
}

/// What every writer types at this place.
const fn letter_at(clock: u64) -> u8 {
    b'a' + (clock % 26) as u8
}

fn presence_id(member: usize) -> u64 {
    1_000_000 + member as u64
}
