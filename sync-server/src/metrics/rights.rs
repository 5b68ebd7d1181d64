//! What is counted of who may be here.

use super::Counter;
use super::render::{head, line};

/// See the module.
#[derive(Debug, Default)]
pub struct RightsMetrics {
    /// Documents that somebody asked for and was kept out of.
    pub kept_out: Counter,
    /// Members who were in and were put out.
    pub put_out: Counter,
    /// Members who were told of another role.
    pub roles_changed: Counter,
    /// Times it could not be found out who may.
    pub faults: Counter,
}

impl RightsMetrics {
    pub(super) fn render(&self, out: &mut String) {
        for (name, help, counter) in [
            (
                "sheaf_rights_kept_out_total",
                "Documents somebody asked for and was kept out of.",
                &self.kept_out,
            ),
            (
                "sheaf_rights_put_out_total",
                "Members who were in and were put out.",
                &self.put_out,
            ),
            (
                "sheaf_rights_roles_changed_total",
                "Members who were told of another role.",
                &self.roles_changed,
            ),
            (
                "sheaf_rights_faults_total",
                "Times it could not be found out who may.",
                &self.faults,
            ),
        ] {
            head(out, name, help, "counter");
            line(out, name, counter.get());
        }
    }
}
