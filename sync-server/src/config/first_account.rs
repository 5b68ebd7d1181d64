//! Who makes the first account, which owns everything.

use super::Problem;

/// Who makes the first account over the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstAccount {
    /// Whoever has read the code in the log.
    #[default]
    ByCode,
    /// Whoever is the first to open the page.
    Anyone,
}

impl FirstAccount {
    pub(super) fn parse(raw: Option<&str>, problems: &mut Vec<Problem>) -> Self {
        match raw.map(str::trim) {
            None | Some("" | "code") => Self::ByCode,
            Some("anyone") => Self::Anyone,
            Some(other) => {
                problems.push(Problem {
                    variable: "SHEAF_FIRST_ACCOUNT",
                    value: other.to_owned(),
                    wrong: "code or anyone is wanted".to_owned(),
                    example: "code",
                });
                Self::ByCode
            }
        }
    }
}
