//! Noticing that the browser threw away what it kept for this page, and saying what went with it.
//!
//! Browsers clear a site's database without telling it. So a mark of what was there stands in a second place
//! (local storage, which some browsers clear at other times): a database that is new while the mark says that
//! something was kept means that it was cleared. A browser that clears both leaves no trace, like a first visit.

use crate::platform;

const MARK_KEY: &str = "sheaf.kept";

/// What the browser threw away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evicted {
    /// Everything, before this visit.
    BeforeThisVisit {
        /// Changes that were not on the server, as last counted.
        changes_lost: usize,
    },
    /// Everything, while the page was open: what is open was written anew.
    WhileOpen,
}

/// What a new database means, given the mark that an earlier visit left.
#[must_use]
pub fn evicted(mark: Option<&str>) -> Option<Evicted> {
    let changes_lost = mark?.parse().unwrap_or(0);
    Some(Evicted::BeforeThisVisit { changes_lost })
}

/// What was thrown away since the last visit. Asked once, when the database turned out to be new.
#[must_use]
pub fn notice() -> Option<Evicted> {
    let evicted = evicted(platform::kept(MARK_KEY).as_deref());
    if evicted.is_some() {
        platform::forget(MARK_KEY);
    }
    evicted
}

/// Leaves the mark: something is kept here, and `waiting` changes of it are not on the server.
pub fn mark(waiting: usize) {
    platform::keep(MARK_KEY, &waiting.to_string());
}

impl Evicted {
    /// What happened to the text and what to do, in words.
    #[must_use]
    pub fn words(self) -> String {
        let what = match self {
            Self::WhileOpen => {
                "What is open here was kept again at once; other pages come back from the server as you open them."
                    .to_owned()
            }
            Self::BeforeThisVisit { changes_lost: 0 } => "Everything you wrote had reached the server, so nothing is lost; pages come back as you open them."
                .to_owned(),
            Self::BeforeThisVisit { changes_lost: 1 } => "1 change had not reached the server and is gone. The rest comes back from the server as you open the pages."
                .to_owned(),
            Self::BeforeThisVisit { changes_lost } => format!(
                "{changes_lost} changes had not reached the server and are gone. The rest comes back from the server as you open the pages."
            ),
        };
        format!("This browser has cleared what Sheaf kept on this device. {what}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_visit_is_not_taken_for_a_cleared_device() {
        assert_eq!(evicted(None), None);
    }

    #[test]
    fn a_cleared_device_says_how_much_was_not_on_the_server() {
        let words = |mark| evicted(Some(mark)).unwrap().words();
        assert!(words("0").contains("nothing is lost"));
        assert!(words("1").contains("1 change had not"));
        assert!(words("14").contains("14 changes had not"));
    }
}
