//! What is counted of exchanges over plain HTTP.

use super::render::{head, line};
use super::{Counter, Gauge};

/// See the module.
#[derive(Debug, Default)]
pub struct ExchangeMetrics {
    /// Under way, those that wait for something to tell among them.
    pub open: Gauge,
    /// Answered, with whatever.
    pub answered: Counter,
    /// Turned away because too many, or too many bytes of them, were under way.
    pub busy: Counter,
    /// Refused for what they were: too long, too slow, or no exchange.
    pub refused: Counter,
}

impl ExchangeMetrics {
    pub(super) fn render(&self, out: &mut String) {
        let name = "sheaf_exchanges";
        head(out, name, "Exchanges over plain HTTP under way.", "gauge");
        line(out, name, self.open.get());
        for (name, help, counter) in [
            (
                "sheaf_exchanges_answered_total",
                "Exchanges over plain HTTP that were answered.",
                &self.answered,
            ),
            (
                "sheaf_exchanges_busy_total",
                "Exchanges turned away because too much was under way.",
                &self.busy,
            ),
            (
                "sheaf_exchanges_refused_total",
                "Exchanges refused for their length, slowness or content.",
                &self.refused,
            ),
        ] {
            head(out, name, help, "counter");
            line(out, name, counter.get());
        }
    }
}
