//! Redis as the way between servers: publish and subscribe on one connection (RESP3), and in a Redis Cluster their sharded
//! forms. Nothing is stored in it.
//!
//! A connection that breaks is not mended here: its end is told, and whoever uses it makes another and says again what to
//! listen to. What was lost meanwhile is then known to be lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::try_join_all;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, IntoConnectionInfo as _, Pipeline, ProtocolVersion,
    PushInfo, PushKind, RedisError, Value,
};
use tokio::sync::mpsc;

use crate::config::{RedisKind, RedisUrl};
use crate::ports::{Arrival, Bus, BusFault, Channel, Line, Speaker};

/// Longest wait, in milliseconds, for a connection.
const CONNECT_MS: u64 = 2_000;
/// Longest wait, in milliseconds, for an answer.
const ANSWER_MS: u64 = 1_000;
/// Messages that wait to be taken; what is more is lost.
const WAITING_MAX: usize = 16_384;

/// See the module.
pub struct RedisBus {
    connects: Connects,
    /// What the names of all channels begin with. Servers of another database use other names.
    prefix: String,
}

enum Connects {
    ToOne(Box<Client>),
    ToCluster(Vec<redis::ConnectionInfo>),
}

impl RedisBus {
    /// The Redis at `url`. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`BusFault::Refused`] when the address does not come apart.
    pub fn new(url: &RedisUrl, prefix: String) -> Result<Self, BusFault> {
        let mut nodes = Vec::new();
        for secret in url.secrets() {
            let node = secret
                .into_connection_info()
                // The error may hold the address, and that a password.
                .map_err(|_| BusFault::Refused("its address does not come apart".to_owned()))?;
            let settings = node.redis_settings().clone();
            nodes.push(node.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3)));
        }
        let connects = match (url.kind(), nodes.first()) {
            (RedisKind::Single, Some(node)) => {
                Connects::ToOne(Box::new(Client::open(node.clone()).map_err(fault)?))
            }
            (RedisKind::Single | RedisKind::Cluster, _) => Connects::ToCluster(nodes),
        };
        Ok(Self { connects, prefix })
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn connect(&self) -> Result<Line, BusFault> {
        let (sender, arrivals) = mpsc::channel(WAITING_MAX);
        let ear = Ear::new(sender);
        let hear = {
            let ear = Arc::clone(&ear);
            move |push| ear.hear(push)
        };
        let (connect_ms, answer_ms) = (
            Duration::from_millis(CONNECT_MS),
            Duration::from_millis(ANSWER_MS),
        );
        let connection = match &self.connects {
            Connects::ToOne(client) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(connect_ms))
                    .set_response_timeout(Some(answer_ms))
                    .set_push_sender(hear);
                let connecting = client.get_multiplexed_async_connection_with_config(&config);
                Connection::ToOne(connecting.await.map_err(fault)?)
            }
            Connects::ToCluster(nodes) => {
                let client = ClusterClient::builder(nodes.iter().cloned())
                    .use_protocol(ProtocolVersion::RESP3)
                    .connection_timeout(connect_ms)
                    .response_timeout(answer_ms)
                    .retries(1)
                    .push_sender(hear)
                    .build()
                    .map_err(fault)?;
                Connection::ToCluster(client.get_async_connection().await.map_err(fault)?)
            }
        };
        let speaker = RedisSpeaker {
            connection,
            prefix: self.prefix.clone(),
            ear,
        };
        Ok(Line {
            speaker: Box::new(speaker),
            arrivals,
        })
    }
}

/// Takes what the connection pushes.
struct Ear(Mutex<Hearing>);

struct Hearing {
    /// `None` when the line is over.
    arrivals: Option<mpsc::Sender<Arrival>>,
    /// Something was lost, and there was no room to say so.
    has_lost: bool,
}

impl Ear {
    fn new(arrivals: mpsc::Sender<Arrival>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Hearing {
            arrivals: Some(arrivals),
            has_lost: false,
        })))
    }

    /// Ends the line: whoever takes arrivals sees it when they have taken what is there.
    fn end(&self) {
        let mut hearing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hearing.arrivals = None;
    }

    /// Whether the line is still what it was. A cluster's connection mends itself, and would go on with a gap.
    fn check(&self) -> Result<(), BusFault> {
        let hearing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hearing.arrivals.as_ref().map(|_| ()).ok_or(BusFault::Over)
    }

    fn hear(&self, push: PushInfo) -> Result<(), BusFault> {
        match push.kind {
            PushKind::Message | PushKind::SMessage => {
                if let Some(Value::BulkString(message)) = push.data.into_iter().nth(1) {
                    self.take(message.into());
                }
            }
            // A cluster's connection would mend itself; but what was said meanwhile is lost.
            PushKind::Disconnection => self.end(),
            _ => {}
        }
        Ok(())
    }

    fn take(&self, message: Bytes) {
        let mut hearing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(arrivals) = hearing.arrivals.clone() else {
            return;
        };
        if hearing.has_lost {
            hearing.has_lost = arrivals.try_send(Arrival::SomeLost).is_err();
        }
        let sent = arrivals.try_send(Arrival::Message(message));
        hearing.has_lost |= matches!(sent, Err(mpsc::error::TrySendError::Full(_)));
    }
}

enum Connection {
    ToOne(MultiplexedConnection),
    ToCluster(ClusterConnection),
}

struct RedisSpeaker {
    connection: Connection,
    prefix: String,
    ear: Arc<Ear>,
}

impl RedisSpeaker {
    fn names_of(&self, channels: &[Channel]) -> Vec<String> {
        channels
            .iter()
            .map(|channel| name_of(&self.prefix, *channel))
            .collect()
    }
}

impl Drop for RedisSpeaker {
    fn drop(&mut self) {
        self.ear.end();
    }
}

#[async_trait]
impl Speaker for RedisSpeaker {
    async fn listen(&mut self, channels: &[Channel]) -> Result<(), BusFault> {
        self.ear.check()?;
        if channels.is_empty() {
            return Ok(());
        }
        let names = self.names_of(channels);
        match &mut self.connection {
            Connection::ToOne(connection) => connection.subscribe(names).await.map_err(fault),
            // One command names channels of one node only.
            Connection::ToCluster(connection) => {
                let each = names.into_iter().map(|name| {
                    let mut connection = connection.clone();
                    async move { connection.ssubscribe(name).await }
                });
                try_join_all(each).await.map(|_| ()).map_err(fault)
            }
        }
    }

    async fn stop_listening(&mut self, channels: &[Channel]) -> Result<(), BusFault> {
        self.ear.check()?;
        if channels.is_empty() {
            return Ok(());
        }
        let names = self.names_of(channels);
        match &mut self.connection {
            Connection::ToOne(connection) => connection.unsubscribe(names).await.map_err(fault),
            Connection::ToCluster(connection) => {
                let each = names.into_iter().map(|name| {
                    let mut connection = connection.clone();
                    async move { connection.sunsubscribe(name).await }
                });
                try_join_all(each).await.map(|_| ()).map_err(fault)
            }
        }
    }

    async fn publish(&mut self, messages: Vec<(Channel, Bytes)>) -> Result<(), BusFault> {
        self.ear.check()?;
        match &mut self.connection {
            Connection::ToOne(connection) => {
                let mut pipeline = Pipeline::with_capacity(messages.len());
                for (channel, message) in &messages {
                    let name = name_of(&self.prefix, *channel);
                    pipeline.cmd("PUBLISH").arg(name).arg(&message[..]).ignore();
                }
                pipeline.exec_async(connection).await.map_err(fault)
            }
            // Each channel's go to its node together, and so in order.
            Connection::ToCluster(connection) => {
                let mut pipelines = BTreeMap::<Channel, Pipeline>::new();
                for (channel, message) in &messages {
                    let name = name_of(&self.prefix, *channel);
                    let pipeline = pipelines.entry(*channel).or_default();
                    pipeline
                        .cmd("SPUBLISH")
                        .arg(name)
                        .arg(&message[..])
                        .ignore();
                }
                let each = pipelines.into_values().map(|pipeline| {
                    let mut connection = connection.clone();
                    async move { pipeline.exec_async(&mut connection).await }
                });
                try_join_all(each).await.map(|_| ()).map_err(fault)
            }
        }
    }
}

fn name_of(prefix: &str, channel: Channel) -> String {
    match channel {
        Channel::Servers => format!("{prefix}:servers"),
        Channel::Group(group) => format!("{prefix}:{group}"),
    }
}

/// What an error means for the line. Its text goes to the log; it never holds the password.
fn fault(error: RedisError) -> BusFault {
    if error.is_timeout() {
        return BusFault::Slow;
    }
    if error.is_connection_refusal() {
        return BusFault::Unreachable(error.to_string());
    }
    if error.is_connection_dropped() {
        return BusFault::Over;
    }
    match error.kind() {
        ErrorKind::Io => BusFault::Unreachable(error.to_string()),
        _ => BusFault::Refused(error.to_string()),
    }
}
