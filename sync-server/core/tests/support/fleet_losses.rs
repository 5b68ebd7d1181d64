//! A store that loses what it had committed, as a database does that is taken over by one that lags behind; and what servers ask
//! of it then.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use sheaf_core::audit::{Whole, lacking};
use sheaf_core::room::{Auditing, Input};
use sheaf_shared::ids::{ClientId, ReplicaId};
use sheaf_shared::replica::Ordered;

use super::{Fleet, writer_of};
use crate::log::Log;

impl Fleet {
    /// The last rows are gone, and every snapshot with them. Nobody is told.
    pub(crate) fn lose(&mut self, rows: usize) {
        self.log.truncate(self.log.len().saturating_sub(rows));
        self.store = Log::new();
        self.store.append(&self.log);
        self.truth = Ordered::keeping_all(ReplicaId(99));
        self.true_rows = 0;
        self.is_short = true;
        self.has_lost = true;
        for server in &mut self.servers {
            let lost = server.folding.drain(..).count();
            let failed = std::iter::repeat_n((self.now, Input::CompactionFailed), lost);
            server.answers.extend(failed);
        }
    }

    /// A server hears that another database answers now.
    pub(crate) fn doubt(&mut self, number: usize) {
        if self.servers[number].desk.is_some() {
            self.put(number, Input::Audit(Auditing::Doubt));
        }
    }

    /// Whether everything that was acknowledged is in the log. From then on it must stay there.
    pub(crate) fn is_whole(&mut self) -> bool {
        let servers = self.servers.iter().enumerate();
        let is_whole = servers.into_iter().all(|(number, server)| {
            let writer = ClientId(writer_of(number).into());
            self.truth.clock_of(writer) as usize >= server.acknowledged
        });
        self.is_short &= !is_whole;
        is_whole
    }

    pub(super) fn mend(&mut self, whole: &Whole) -> Input {
        let rows = lacking(whole, &self.store.reopen(u64::MAX)).unwrap();
        if !rows.is_empty() {
            self.mended += 1;
            self.store.append(&rows);
            self.log.extend(rows);
        }
        Input::Audit(Auditing::Mended)
    }
}
