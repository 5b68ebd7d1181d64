//! What to show for a document: derived from where the conversation stands, never stored.

use super::super::line::Line;
use super::{CUT_GRACE_MS, DocStatus, Document, Phase};
use crate::time::MonotonicMs;

impl Document {
    pub(in crate::sync::client) fn status(
        &self,
        line: &Line,
        apart_since: Option<MonotonicMs>,
        said_offline: bool,
        now: MonotonicMs,
    ) -> DocStatus {
        let waiting = self.waiting();
        if let Phase::Shut(why) = self.phase {
            return DocStatus::Shut { waiting, why };
        }
        let since = apart_since.unwrap_or(now);
        match *line {
            Line::Stopped(why) => DocStatus::Shut { waiting, why },
            Line::Idle | Line::Waiting { .. } | Line::Dialling { .. } if said_offline => {
                DocStatus::Offline { waiting, since }
            }
            Line::Waiting { until, .. } if now.ms_since(since) >= CUT_GRACE_MS => {
                DocStatus::CannotReach {
                    waiting,
                    since,
                    next_try: until,
                }
            }
            Line::Dialling { dialled_at, .. } if now.ms_since(since) >= CUT_GRACE_MS => {
                DocStatus::CannotReach {
                    waiting,
                    since,
                    next_try: dialled_at,
                }
            }
            Line::Idle | Line::Waiting { .. } | Line::Dialling { .. } => {
                DocStatus::Connecting { waiting }
            }
            Line::Open(_) => self.status_on_line(waiting),
        }
    }

    fn status_on_line(&self, waiting: usize) -> DocStatus {
        if let Some(why) = self.refused {
            return DocStatus::Refused { waiting, why };
        }
        match self.phase {
            _ if self.stalled && waiting > 0 => DocStatus::ServerStalled { waiting },
            Phase::Live | Phase::Holding if self.caught_up && waiting > 0 => {
                DocStatus::Saving { waiting }
            }
            // Step 2 of ours may carry edits that no count knows of, from a log that forgot; so it counts too.
            Phase::Live if self.caught_up && self.under_way.is_empty() => DocStatus::Saved,
            _ => DocStatus::Connecting { waiting },
        }
    }
}
