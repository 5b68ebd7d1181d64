//! Both databases honour the contracts of the small tables, and of the directory that is kept in them.

use sheaf_server::contract::{directory, tables};

use crate::{InMemory, InPostgres, InSqlite};
use sheaf_server::contract::store::Subject as _;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sqlite_store_honours_the_contract_of_tables() {
    tables::honoured_by(async || InSqlite::fresh()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_postgres_store_honours_the_contract_of_tables() {
    tables::honoured_by(InPostgres::fresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sqlite_store_honours_the_contract_of_the_directory() {
    directory::honoured_by(async || InSqlite::fresh()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_postgres_store_honours_the_contract_of_the_directory() {
    directory::honoured_by(InPostgres::fresh).await;
}

#[test]
fn a_store_that_forgets_has_no_directory() {
    let store = InMemory(std::sync::Arc::default()).store();
    assert!(store.tables().is_none());
}
