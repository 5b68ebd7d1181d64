//! What a line of exchanges remembers of each document, as a server would of a socket: its token, how far it has come, whom
//! it knows, and what it shows of itself.

use crate::ids::{ClientId, DocName, Seq};
use crate::presence::{self, Entry, Payload};
use crate::sync::client::Documents;
use crate::sync::facts::ServerFact;
use crate::wire::SyncMessage;
use crate::wire::exchange::{Followed, Known};
use crate::wire::hocuspocus::{Address, Auth, Frame, From, Message};

/// People remembered of a document before those who are gone are forgotten.
const KNOWN_MAX: usize = 1_024;

/// What a frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A state vector: the answer is what it lacks.
    Question,
    /// An edit, or the answer to the server's question: one status follows.
    Edit,
    Presence,
    /// Leave the document.
    Leave,
    Other,
}

/// A frame to be said.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// The document's; empty if it is about none.
    pub(super) address: String,
    pub(super) kind: Kind,
    pub(super) frame: Vec<u8>,
}

/// One document.
#[derive(Debug)]
struct Page {
    address: String,
    token: Vec<u8>,
    /// The server was asked what there is, and has answered.
    is_followed: bool,
    /// The client lets go of it, and that is not said yet.
    is_leaving: bool,
    place: Option<Seq>,
    /// In ascending order of clients.
    known: Vec<Known>,
    /// Who we are, and the frame that shows it.
    own: Option<(ClientId, u32, Vec<u8>)>,
}

/// See the module. Few documents as a rule, so a list is smaller than a map.
#[derive(Debug, Default)]
pub(super) struct Book {
    pages: Vec<Page>,
}

impl Book {
    fn page(&mut self, address: &str) -> Option<&mut Page> {
        self.pages.iter_mut().find(|page| page.address == address)
    }

    /// Notes what the client sends; gives what is to be said of it. Tokens go with whatever is said.
    pub(super) fn note_sent(&mut self, frame: &[u8]) -> Option<Item> {
        let (address, kind) = match Frame::decode(frame, From::Client) {
            Ok(Frame::Document { address, message }) => match message {
                Message::Auth(Auth::Token { .. }) => {
                    self.note_token(address.0, frame);
                    return None;
                }
                Message::Sync(SyncMessage::Step1(_)) => (address.0, Kind::Question),
                Message::Sync(_) => (address.0, Kind::Edit),
                Message::Awareness(payload) => {
                    self.note_own(address.0, payload, frame);
                    (address.0, Kind::Presence)
                }
                Message::Close(_) => {
                    if let Some(page) = self.page(address.0) {
                        page.is_leaving = true;
                    }
                    (address.0, Kind::Leave)
                }
                _ => (address.0, Kind::Other),
            },
            _ => ("", Kind::Other),
        };
        Some(Item {
            address: address.to_owned(),
            kind,
            frame: frame.to_vec(),
        })
    }

    fn note_token(&mut self, address: &str, frame: &[u8]) {
        if let Some(page) = self.page(address) {
            page.token = frame.to_vec();
            page.is_followed &= !page.is_leaving;
            page.is_leaving = false;
            return;
        }
        self.pages.push(Page {
            address: address.to_owned(),
            token: frame.to_vec(),
            is_followed: false,
            is_leaving: false,
            place: None,
            known: Vec::new(),
            own: None,
        });
    }

    fn note_own(&mut self, address: &str, payload: &[u8], frame: &[u8]) {
        let Some(page) = self.page(address) else {
            return;
        };
        if let Ok(payload) = Payload::parse(payload)
            && let Some(entry) = payload.entries().next()
        {
            page.know(entry);
            let is_here = entry.state.is_some();
            page.own = is_here.then(|| (entry.client, entry.clock, frame.to_vec()));
        }
    }

    /// These are being said.
    pub(super) fn note_said(&mut self, said: &[Item]) {
        for item in said {
            if item.kind == Kind::Question
                && let Some(page) = self.page(&item.address)
            {
                // The answer tells anew how far it has come.
                page.place = None;
            }
        }
    }

    /// The tokens of the documents that `items` are about, each once.
    pub(super) fn tokens_for(&self, items: &[Item]) -> Vec<Vec<u8>> {
        let pages = self.pages.iter();
        let is_meant = |page: &&Page| items.iter().any(|item| item.address == page.address);
        pages
            .filter(is_meant)
            .map(|page| page.token.clone())
            .collect()
    }

    /// What stands before the frames: of the documents that are followed, and of those that are asked about.
    pub(super) fn followed(&self, items: &[Item], follows: &[String]) -> Vec<Followed<'_>> {
        let is_asked = |page: &Page| {
            let mut items = items.iter();
            items.any(|item| item.kind == Kind::Question && item.address == page.address)
        };
        let pages = self.pages.iter();
        pages
            .filter(|page| follows.contains(&page.address) || is_asked(page))
            .map(|page| Followed {
                address: &page.address,
                place: page.place,
                known: page.known.clone(),
            })
            .collect()
    }

    /// The documents whose news are worth waiting for.
    pub(super) fn to_follow(&self) -> Vec<String> {
        let is_followed = |page: &&Page| page.is_followed && !page.is_leaving;
        let followed = self.pages.iter().filter(is_followed);
        followed.map(|page| page.address.clone()).collect()
    }

    pub(super) fn follows_any(&self) -> bool {
        !self.to_follow().is_empty()
    }

    /// What an exchange says that waits for news: how far each document is, and that we are here.
    pub(super) fn questions(&self, follows: &[String], documents: &mut dyn Documents) -> Vec<Item> {
        let mut items = Vec::new();
        let pages = self.pages.iter();
        for page in pages.filter(|page| follows.contains(&page.address)) {
            let Ok(doc) = DocName::parse(&page.address) else {
                continue;
            };
            let version = documents.version(&doc);
            let question = Message::Sync(SyncMessage::Step1(&version));
            items.push(Item {
                address: page.address.clone(),
                kind: Kind::Question,
                frame: question.to(Address(&page.address)).to_vec(),
            });
            if let Some((_, _, frame)) = &page.own {
                items.push(Item {
                    address: page.address.clone(),
                    kind: Kind::Presence,
                    frame: frame.clone(),
                });
            }
        }
        items
    }

    /// Says of every document that we are gone, under the clock we had: if that was wrong, we hear of it and count on.
    pub(super) fn goodbyes(&self) -> Vec<Item> {
        let goodbye = |page: &Page| {
            let (client, clock, _) = page.own.as_ref()?;
            let payload = presence::encode(&[Entry {
                client: *client,
                clock: *clock,
                state: None,
            }]);
            Some(Item {
                address: page.address.clone(),
                kind: Kind::Presence,
                frame: Message::Awareness(&payload)
                    .to(Address(&page.address))
                    .to_vec(),
            })
        };
        self.pages.iter().filter_map(goodbye).collect()
    }

    /// Notes an answer to what was said, and gives on what is for the client. Answers whether every edit was answered.
    pub(super) fn note_answer(
        &mut self,
        said: &[Item],
        frames: &[&[u8]],
        mut give: impl FnMut(&[u8]),
    ) -> bool {
        let mut owed: Vec<&str> = Vec::new();
        for item in said {
            match item.kind {
                Kind::Edit => owed.push(&item.address),
                Kind::Leave => self
                    .pages
                    .retain(|page| !page.is_leaving || page.address != item.address),
                Kind::Question => {
                    if let Some(page) = self.page(&item.address) {
                        page.is_followed = true;
                    }
                }
                Kind::Presence | Kind::Other => {}
            }
        }
        for frame in frames {
            if let Ok(Frame::Document { address, message }) = Frame::decode(frame, From::Server) {
                match message {
                    Message::SyncStatus(_) => {
                        if let Some(at) = owed.iter().position(|owed| *owed == address.0) {
                            owed.remove(at);
                        }
                    }
                    Message::Close(_) | Message::Auth(Auth::Denied(_)) => {
                        // The client begins anew if it wants to, with a token.
                        owed.retain(|owed| *owed != address.0);
                        self.pages.retain(|page| page.address != address.0);
                    }
                    _ => {}
                }
                if self.note_heard(address.0, message) == Concerns::Us {
                    continue;
                }
            }
            give(frame);
        }
        owed.is_empty()
    }

    fn note_heard(&mut self, address: &str, message: Message<'_>) -> Concerns {
        let Some(page) = self.page(address) else {
            return Concerns::Client;
        };
        match message {
            Message::Stateless(fact) => {
                if let Some(ServerFact::Place(place)) = ServerFact::decode(fact) {
                    // Two exchanges may be answered in another order than they were asked in.
                    page.place = page.place.max(Some(place));
                    return Concerns::Us;
                }
            }
            Message::Awareness(payload) => {
                if let Ok(payload) = Payload::parse(payload) {
                    payload.entries().for_each(|entry| page.know(entry));
                }
            }
            // It is asked on every visit that has no place; the client minds only when it asks itself.
            _ => {}
        }
        Concerns::Client
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Concerns {
    Client,
    Us,
}

impl Page {
    /// The newer clock counts, and at the same one a goodbye.
    fn know(&mut self, entry: Entry<'_>) {
        let is_here = entry.state.is_some();
        match self
            .known
            .binary_search_by_key(&entry.client, |known| known.client)
        {
            Ok(at) => {
                let known = &mut self.known[at];
                if entry.clock > known.clock || (entry.clock == known.clock && !is_here) {
                    known.clock = entry.clock;
                    known.is_here = is_here;
                }
            }
            Err(_) => {
                if self.known.len() >= KNOWN_MAX {
                    self.known.retain(|known| known.is_here);
                }
                let at = (self.known).partition_point(|known| known.client < entry.client);
                self.known.insert(
                    at,
                    Known {
                        client: entry.client,
                        clock: entry.clock,
                        is_here,
                    },
                );
            }
        }
    }
}
