//! A room that panics: nobody else notices, and whoever was in it comes back to everything that was stored.

use std::future::poll_fn;

use sheaf_core::room::RoomConfig;
use sheaf_core::rooms::RoomsConfig;
use sheaf_shared::access::Role;
use sheaf_shared::ids::ReplicaId;
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::sync::peer::Said;
use sheaf_shared::wire::SyncMessage;
use sheaf_shared::wire::y_websocket::Message as YMessage;
use yrs::{GetString as _, ReadTxn as _, Text as _, WriteTxn as _};

use super::*;
use crate::adapters::memory::MemoryStore;
use crate::metrics::Metrics;
use crate::ports::Store;
use crate::runtime::hub::RoomHandle;
use crate::runtime::outbox::Outgoing;

struct House {
    hub: Arc<Hub>,
    store: Arc<MemoryStore>,
}

/// Someone at a y-websocket socket.
struct Person {
    member: MemberId,
    room: RoomHandle,
    outbox: Arc<Outbox>,
    replica: Replica,
}

impl House {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::default());
        let hub = Hub::new(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::new(Metrics::default()),
            RoomConfig::default(),
            RoomsConfig::default(),
        );
        Self { hub, store }
    }

    fn strike(&self, strike: Option<fn(&Input) -> bool>) {
        *self.hub.strike.lock().unwrap() = strike;
    }

    fn join(&self, doc: &str, id: u32) -> Person {
        let outbox = Arc::new(Outbox::default());
        let (member, room) = self
            .hub
            .join(&name(doc), Speaks::YWebsocket, Role::Editor, &outbox)
            .unwrap();
        let person = Person {
            member,
            room,
            outbox,
            replica: Replica::new(ReplicaId(id)),
        };
        let version = person.replica.version();
        person.say(Said::Step1(version.into()));
        person
    }

    async fn stored_rows(&self, doc: &str) -> usize {
        let stored = self.store.load(&name(doc)).await.unwrap();
        stored.map_or(0, |stored| stored.log.len())
    }
}

fn name(doc: &str) -> DocName {
    DocName::parse(doc).unwrap()
}

impl Person {
    fn say(&self, said: Said) {
        let member = self.member;
        self.room.tell(Input::Said { member, said });
    }

    fn types(&mut self, words: &str) {
        let update = self.replica.transact(Origin::Local, |txn| {
            let text = txn.get_or_insert_text("content");
            let end = text.len(txn);
            text.insert(txn, end, words);
        });
        self.say(Said::Update(update.unwrap().into()));
    }

    fn text(&self) -> String {
        let txn = self.replica.read();
        let text = txn.get_text("content");
        text.map_or_else(String::new, |text| text.get_string(&txn))
    }

    /// Takes in what comes until the text is this.
    async fn until_text(&mut self, words: &str) {
        while self.text() != words {
            assert_eq!(
                self.hear().await,
                None,
                "closed while waiting for {words:?}"
            );
        }
    }

    async fn until_closed(&mut self) -> CloseReason {
        loop {
            if let Some(reason) = self.hear().await {
                return reason;
            }
        }
    }

    /// Takes in what is queued next; gives the reason if it is the end.
    async fn hear(&mut self) -> Option<CloseReason> {
        let mut queue = Vec::new();
        let outbox = Arc::clone(&self.outbox);
        let found = poll_fn(|context| outbox.poll(context, usize::MAX, &mut queue));
        let limit = Duration::from_secs(60);
        tokio::time::timeout(limit, found)
            .await
            .expect("nothing came");
        for outgoing in queue {
            match outgoing {
                Outgoing::Frame { frame, .. } => {
                    let message = YMessage::decode(&frame).unwrap();
                    if let YMessage::Sync(
                        SyncMessage::Step2(update) | SyncMessage::Update(update),
                    ) = message
                    {
                        self.replica.apply(update, Origin::Remote).unwrap();
                    }
                }
                Outgoing::Close { reason, .. } => return Some(reason),
                Outgoing::Rest(rest) => panic!("nobody writes here: {rest:?}"),
            }
        }
        None
    }
}

/// Panics that are meant are not printed.
fn without_noise() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let words = panic.payload().downcast_ref::<&str>();
            if words != Some(&"struck by a test") {
                usual(panic);
            }
        }));
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_panics_closes_its_members_and_they_come_back_to_all_that_was_stored() {
    without_noise();
    let house = House::new();
    let mut ann = house.join("struck", 1);
    let mut ben = house.join("struck", 2);
    let mut other = house.join("elsewhere", 3);
    ann.types("before ");
    ben.until_text("before ").await;
    // The store has it, and the room fails before it could tell anyone.
    house.strike(Some(|input| matches!(input, Input::Appended { .. })));
    ann.types("unanswered");
    assert_eq!(ann.until_closed().await, CloseReason::Fault);
    assert_eq!(ben.until_closed().await, CloseReason::Fault);
    house.strike(None);
    assert_eq!(ben.text(), "before ");
    assert_eq!(house.hub.metrics.room_panics.get(), 1);
    other.types("untouched");
    let mut friend = house.join("elsewhere", 4);
    friend.until_text("untouched").await;

    while house.hub.rooms_open() > 1 {
        tokio::task::yield_now().await;
    }
    let mut again = house.join("struck", 5);
    again.until_text("before unanswered").await;
    assert_eq!(house.stored_rows("struck").await, 2);
    assert_eq!(house.hub.metrics.quarantined.get(), 0, "no row is to blame");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_panics_while_it_loads_blames_no_sound_row_and_opens_the_next_time() {
    without_noise();
    let house = House::new();
    let mut writer = Replica::new(ReplicaId(9));
    let row = writer.transact(Origin::Local, |txn| {
        let text = txn.get_or_insert_text("content");
        text.push(txn, "stored");
    });
    let rows = vec![row.unwrap().into()];
    house.store.append(&name("page"), rows).await.unwrap();
    house.strike(Some(|input| matches!(input, Input::Loaded(_))));
    let mut ann = house.join("page", 1);
    assert_eq!(ann.until_closed().await, CloseReason::Fault);
    house.strike(None);
    house.hub.all_ended().await;
    assert_eq!(house.hub.metrics.room_panics.get(), 1);
    let aside = house.store.quarantined(&name("page")).await.unwrap();
    assert_eq!(aside, []);
    let mut ann = house.join("page", 1);
    ann.until_text("stored").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_to_a_room_that_failed_is_not_acknowledged() {
    without_noise();
    let house = House::new();
    let mut ann = house.join("page", 1);
    let step1 = ann.replica.version();
    ann.types("a");
    let mut ben = house.join("page", 4);
    ben.until_text("a").await;
    house.strike(Some(|input| {
        matches!(
            input,
            Input::Said {
                said: Said::Step1(_),
                ..
            }
        )
    }));
    ann.say(Said::Step1(step1.into()));
    ann.types("b");
    assert_eq!(ann.until_closed().await, CloseReason::Fault);
    house.strike(None);
    house.hub.all_ended().await;
    assert_eq!(house.stored_rows("page").await, 1);
    // Its client has it still, and sends it on the next connection.
    let back = house.join("page", 2);
    let missing = ann.replica.missing_for(&[0]).unwrap();
    back.say(Said::Step2(missing.into()));
    let mut friend = house.join("page", 3);
    friend.until_text("ab").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_press_is_applied_at_once_and_a_long_edit_aside_where_nobody_else_waits_for_it() {
    static APPLIED_ASIDE: std::sync::Mutex<Vec<bool>> = std::sync::Mutex::new(Vec::new());
    let house = House::new();
    let mut ann = house.join("page", 1);
    let mut ben = house.join("page", 2);
    house.strike(Some(|input| {
        if matches!(input, Input::Appended { .. }) {
            let is_aside = std::thread::current().name() == Some("room-aside");
            APPLIED_ASIDE.lock().unwrap().push(is_aside);
        }
        false
    }));
    ann.types("a");
    ben.until_text("a").await;
    let long = "long ".repeat(2_000);
    ann.types(&long);
    ben.until_text(&format!("a{long}")).await;
    house.strike(None);
    assert_eq!(*APPLIED_ASIDE.lock().unwrap(), [false, true]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_documents_with_long_edits_few_are_worked_on_at_a_time_and_all_get_through() {
    static AT_WORK: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    static MOST: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    use std::sync::atomic::Ordering::SeqCst;
    let house = House::new();
    house.strike(Some(|input| {
        let is_aside = std::thread::current().name() == Some("room-aside");
        if matches!(input, Input::Appended { .. }) && is_aside {
            MOST.fetch_max(AT_WORK.fetch_add(1, SeqCst) + 1, SeqCst);
            std::thread::sleep(Duration::from_millis(5));
            AT_WORK.fetch_sub(1, SeqCst);
        }
        false
    }));
    let long = "long ".repeat(2_000);
    let mut people = Vec::new();
    for number in 0..30_u32 {
        let doc = format!("page-{number}");
        let mut ann = house.join(&doc, 2 * number + 1);
        people.push(house.join(&doc, 2 * number + 2));
        ann.types(&long);
    }
    // Whoever only types waits for none of them.
    let mut cy = house.join("short", 100);
    let mut dan = house.join("short", 101);
    cy.types("a");
    dan.until_text("a").await;
    for ben in &mut people {
        ben.until_text(&long).await;
    }
    house.strike(None);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let most = MOST.load(SeqCst);
    assert!((1..=processors.max(2)).contains(&most), "{most}");
}
