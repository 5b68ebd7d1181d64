//! The service from outside: real sockets, a real disk, the real program.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod accounts;
mod bad_line;
mod behind_a_proxy;
mod chaos;
mod client;
mod command_line;
mod copies;
mod database_away;
mod editing;
mod ending;
#[path = "../support/engines.rs"]
mod engines;
mod exchanges;
mod fallacies;
mod faults;
mod files;
mod fleet;
mod forgetting;
mod full_disk;
mod killed;
mod long;
mod losing;
mod page;
mod people;
mod pressure;
mod program;
mod rights;
mod server;
mod sockets;
mod together;
mod visitor;
