//! The contract of the bus, against every adapter.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "support/engines.rs"]
mod engines;

use std::sync::Arc;

use engines::redis::{Redis, RedisCluster};
use sheaf_server::adapters::in_process::InProcessBus;
use sheaf_server::adapters::redis::RedisBus;
use sheaf_server::config::RedisUrl;
use sheaf_server::contract::bus::{Subject, honoured_by};
use sheaf_server::ports::{Bus, BusFault, Channel};

struct InProcess(InProcessBus);

#[async_trait::async_trait]
impl Subject for InProcess {
    fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(self.0.clone())
    }

    async fn cut(&mut self) {
        self.0.cut();
    }
}

fn bus(url: &str) -> RedisBus {
    RedisBus::new(&RedisUrl::parse(url).unwrap(), "test".to_owned()).unwrap()
}

struct InRedis(Arc<Redis>);

#[async_trait::async_trait]
impl Subject for InRedis {
    fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(bus(&self.0.url()))
    }

    async fn cut(&mut self) {
        for kind in ["normal", "pubsub"] {
            self.0.command(&["client", "kill", "type", kind]);
        }
    }
}

struct InCluster(Arc<RedisCluster>);

#[async_trait::async_trait]
impl Subject for InCluster {
    fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(bus(&self.0.url()))
    }

    async fn cut(&mut self) {
        for kind in ["normal", "pubsub"] {
            self.0.command(&["client", "kill", "type", kind]);
        }
    }
}

#[tokio::test]
async fn the_bus_inside_one_process_honours_the_contract() {
    honoured_by(async || InProcess(InProcessBus::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_honours_the_contract() {
    let redis = Arc::new(Redis::start(&[]));
    honoured_by(async || InRedis(Arc::clone(&redis))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_cluster_honours_the_contract() {
    let cluster = Arc::new(RedisCluster::start());
    honoured_by(async || InCluster(Arc::clone(&cluster))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_opens_redis_and_is_in_no_error() {
    let redis = Redis::start(&["--requirepass", "hunter2"]);
    let with = |password: &str| format!("redis://:{password}@127.0.0.1:{}", redis.port());
    let mut line = bus(&with("hunter2")).connect().await.unwrap();
    line.speaker.listen(&[Channel::Servers]).await.unwrap();
    for wrong in [redis.url(), with("wrong-hunter3")] {
        let Err(fault) = bus(&wrong).connect().await else {
            // Without a password the first question is refused, if not the connection.
            continue;
        };
        assert!(matches!(fault, BusFault::Refused(_)), "{fault}");
        assert!(!fault.to_string().contains("hunter"), "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_at_the_address_is_told_as_such() {
    let mut redis = Redis::start(&[]);
    redis.kill();
    let fault = bus(&redis.url()).connect().await.err().unwrap();
    assert!(matches!(fault, BusFault::Unreachable(_)), "{fault}");
}
