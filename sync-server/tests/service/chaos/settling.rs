//! How long copies take to be equal once nothing stands between them: everyone stops typing, and says what they have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sheaf_shared::ids::DocName;
use tokio::sync::watch;

use crate::bad_line::Lines;

use super::robot::Orders;

/// Longest time that copies may take to be equal: far more than they do, even on a machine that has much else to do.
const EQUAL_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// What takes more milliseconds is explained.
const SLOW_MS: u64 = 1_000;

/// What a robot says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    pub(crate) is_online: bool,
    /// Edits without an acknowledgement.
    pub(crate) waiting: usize,
    /// Sockets dialled so far.
    pub(crate) dials: u64,
    /// A fingerprint of each copy; only while nobody types.
    pub(crate) pages: Option<BTreeMap<DocName, u64>>,
}

/// Where robots say it.
pub(crate) type Board = Arc<Mutex<BTreeMap<usize, Shown>>>;

/// What one robot still lacked when a partition was over, in milliseconds from then on.
#[derive(Clone, Debug, Default)]
struct Lacked {
    /// It was without a line until then.
    line_ms: u64,
    /// Its edits had no acknowledgement until then.
    acknowledgements_ms: u64,
    /// What it showed changed then for the last time.
    edits_ms: u64,
    dials: u64,
    last: Shown,
}

/// Measures.
pub(crate) struct Settling {
    board: Board,
    order: watch::Sender<Orders>,
    online: BTreeSet<usize>,
    /// Milliseconds that each measurement took.
    pub(crate) took: Vec<u64>,
    /// What was missing where it took long.
    pub(crate) slow: Vec<String>,
}

impl Settling {
    pub(crate) const fn new(board: Board, order: watch::Sender<Orders>) -> Self {
        Self {
            board,
            order,
            online: BTreeSet::new(),
            took: Vec::new(),
            slow: Vec::new(),
        }
    }

    pub(crate) fn order(&self, orders: Orders) {
        self.order.send_replace(orders);
    }

    /// Remembers who is online, over these lines: a partition begins.
    pub(crate) fn begin(&mut self, lines: &[Lines]) {
        let board = self.board.lock().unwrap();
        let online = board
            .iter()
            .filter(|(robot, shown)| shown.is_online && lines[**robot].is_passing());
        self.online = online.map(|(robot, _)| *robot).collect();
    }

    /// The partition is over: nobody types until all who were online have everything that was typed and the same copies.
    pub(crate) async fn measure(&mut self) {
        let over = Instant::now();
        self.order(Orders::Hush);
        let mut lacked: BTreeMap<usize, Lacked> = BTreeMap::new();
        while !self.is_equal() {
            self.note_lacks(&mut lacked, ms_of(over.elapsed()));
            let limit = over.elapsed() < EQUAL_WITHIN;
            assert!(
                limit,
                "copies differ long after a partition: {}",
                self.told()
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let took = ms_of(over.elapsed());
        if took > SLOW_MS {
            self.slow.push(explain(took, &lacked));
        }
        self.took.push(took);
        self.order(Orders::Type);
    }

    fn note_lacks(&self, lacked: &mut BTreeMap<usize, Lacked>, now_ms: u64) {
        let board = self.board.lock().unwrap();
        for robot in &self.online {
            let shown = &board[robot];
            let lacks = lacked.entry(*robot).or_insert_with(|| Lacked {
                dials: shown.dials,
                ..Lacked::default()
            });
            if !shown.is_online {
                lacks.line_ms = now_ms;
            }
            if shown.waiting > 0 {
                lacks.acknowledgements_ms = now_ms;
            }
            if shown.pages != lacks.last.pages {
                lacks.edits_ms = now_ms;
            }
            lacks.last = shown.clone();
        }
    }

    fn is_equal(&self) -> bool {
        let board = self.board.lock().unwrap();
        let mut all: BTreeMap<&DocName, u64> = BTreeMap::new();
        self.online.iter().all(|robot| {
            let shown = &board[robot];
            let Some(pages) = shown.pages.as_ref().filter(|_| shown.waiting == 0) else {
                return false;
            };
            pages
                .iter()
                .all(|(doc, page)| all.entry(doc).or_insert(*page) == page)
        })
    }

    /// Waits until everything of everyone is acknowledged.
    pub(crate) async fn all_acknowledged(&self) {
        let limit = Instant::now() + EQUAL_WITHIN;
        self.order(Orders::Hush);
        let is_done = |shown: &Shown| shown.pages.is_some() && shown.waiting == 0;
        while !self.board.lock().unwrap().values().all(is_done) {
            assert!(
                Instant::now() < limit,
                "edits without an answer: {}",
                self.told()
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until these robots are all online, or none of them is.
    pub(crate) async fn until_online(&self, robots: &[usize], is_online: bool) {
        let limit = Instant::now() + EQUAL_WITHIN;
        let is_so = || {
            let board = self.board.lock().unwrap();
            robots
                .iter()
                .all(|robot| board[robot].is_online == is_online)
        };
        while !is_so() {
            assert!(Instant::now() < limit, "{}", self.told());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn told(&self) -> String {
        format!("{:?} {:#?}", self.online, self.board.lock().unwrap())
    }
}

fn ms_of(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap()
}

/// Who was late, and with what.
fn explain(took: u64, lacked: &BTreeMap<usize, Lacked>) -> String {
    let each = lacked.iter().map(|(robot, lacks)| {
        format!(
            "robot {robot}: line {} ms, acknowledgements {} ms, last edit {} ms, {} dials",
            lacks.line_ms,
            lacks.acknowledgements_ms,
            lacks.edits_ms,
            lacks.last.dials - lacks.dials
        )
    });
    format!(
        "equal after {took} ms; {}",
        each.collect::<Vec<_>>().join("; ")
    )
}

/// The value that `percent` of all do not exceed. `values` is not empty.
pub(crate) fn quantile(values: &[u64], percent: usize) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}
