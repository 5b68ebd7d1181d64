//! `sheaf`: reads the configuration and runs.

fn main() {}
