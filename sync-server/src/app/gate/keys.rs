//! What somebody brings along to be let in by.

use std::sync::{Arc, LazyLock};

use crate::app::directory::facts::Key;

/// Most keys that are looked at.
pub const KEYS_MAX: usize = 4;

/// The keys that a request or a socket brings, in the order in which they are tried. There is always one.
///
/// Copies share them. It prints how many they are, and of which kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Keys(Arc<[Key]>);

static NOTHING: LazyLock<Arc<[Key]>> = LazyLock::new(|| [Key::Nothing].into());
static LOCAL: LazyLock<Arc<[Key]>> = LazyLock::new(|| [Key::Local].into());

impl Keys {
    /// The first [`KEYS_MAX`] of these.
    #[must_use]
    pub fn new(mut keys: Vec<Key>) -> Self {
        keys.truncate(KEYS_MAX);
        Self(match keys[..] {
            [] | [Key::Nothing] => Arc::clone(&NOTHING),
            [Key::Local] => Arc::clone(&LOCAL),
            _ => keys.into(),
        })
    }

    /// In the order in which they are tried.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Key> + '_ {
        self.0.iter().copied()
    }

    /// Whether one of them is that of whoever sits at the machine.
    #[must_use]
    pub fn has_local(&self) -> bool {
        self.0.contains(&Key::Local)
    }

    /// Whether none of them opens anything, whatever the directory says.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.0.iter().all(|key| *key == Key::Nothing)
    }
}
