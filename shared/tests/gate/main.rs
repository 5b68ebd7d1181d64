//! The byte gate, from outside: every known attack is refused, and no honest update is.

mod attacks;
mod nesting;
mod support;
