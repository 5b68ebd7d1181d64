//! The contract of [`Bus`].

#![expect(
    clippy::unwrap_used,
    reason = "a contract is a test: a fault it did not ask for is a failure"
)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::error::TryRecvError;

use crate::ports::{Arrival, Bus, Channel, Line};

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A bus under test, and how to cut its connections.
#[async_trait::async_trait]
pub trait Subject: Send {
    /// The bus.
    fn bus(&self) -> Arc<dyn Bus>;
    /// Ends every connection there is; new ones are taken at once.
    async fn cut(&mut self);
}

/// Runs every clause, each on a subject of its own.
pub async fn honoured_by<S: Subject>(fresh: impl AsyncFn() -> S) {
    what_is_said_is_heard_by_all_who_listen_the_speaker_among_them(&mut fresh().await).await;
    messages_of_one_speaker_come_in_order_and_whole(&mut fresh().await).await;
    nobody_hears_a_channel_before_listening_or_after_it_stopped(&mut fresh().await).await;
    any_bytes_can_be_a_message(&mut fresh().await).await;
    many_channels_are_listened_to_at_once(&mut fresh().await).await;
    a_connection_that_was_cut_says_so_and_another_can_be_made(&mut fresh().await).await;
    who_takes_nothing_holds_up_nobody(&mut fresh().await).await;
}

const ONE: Channel = Channel::Group(1);
const TWO: Channel = Channel::Group(2);

async fn connect(subject: &impl Subject, channels: &[Channel]) -> Line {
    let mut line = subject.bus().connect().await.unwrap();
    line.speaker.listen(channels).await.unwrap();
    line
}

async fn say(line: &mut Line, channel: Channel, message: &'static str) {
    let message = Bytes::from_static(message.as_bytes());
    line.speaker
        .publish(vec![(channel, message)])
        .await
        .unwrap();
}

async fn arrives(line: &mut Line) -> Option<Arrival> {
    let arrival = tokio::time::timeout(PATIENCE, line.arrivals.recv());
    arrival.await.unwrap()
}

async fn hears(line: &mut Line, message: &'static str) {
    let message = Bytes::from_static(message.as_bytes());
    assert_eq!(arrives(line).await, Some(Arrival::Message(message)));
}

async fn what_is_said_is_heard_by_all_who_listen_the_speaker_among_them(
    subject: &mut impl Subject,
) {
    let mut first = connect(subject, &[ONE]).await;
    let mut second = connect(subject, &[ONE, Channel::Servers]).await;
    say(&mut first, ONE, "hello").await;
    hears(&mut first, "hello").await;
    hears(&mut second, "hello").await;
    say(&mut first, Channel::Servers, "all").await;
    hears(&mut second, "all").await;
}

async fn messages_of_one_speaker_come_in_order_and_whole(subject: &mut impl Subject) {
    let mut first = connect(subject, &[]).await;
    let mut second = connect(subject, &[ONE]).await;
    let message = |nth: usize| Bytes::from(format!("{nth} {}", "x".repeat(nth * 37 % 4_000)));
    for batch in 0..10 {
        let messages = (batch * 50..batch * 50 + 50).map(|nth| (ONE, message(nth)));
        first.speaker.publish(messages.collect()).await.unwrap();
        for nth in batch * 50..batch * 50 + 50 {
            assert_eq!(
                arrives(&mut second).await,
                Some(Arrival::Message(message(nth)))
            );
        }
    }
}

async fn nobody_hears_a_channel_before_listening_or_after_it_stopped(subject: &mut impl Subject) {
    let mut first = connect(subject, &[]).await;
    let mut second = connect(subject, &[TWO]).await;
    say(&mut first, ONE, "too early").await;
    say(&mut first, TWO, "between").await;
    hears(&mut second, "between").await;
    second.speaker.listen(&[ONE]).await.unwrap();
    second.speaker.listen(&[ONE]).await.unwrap();
    say(&mut first, ONE, "once").await;
    hears(&mut second, "once").await;
    second.speaker.stop_listening(&[ONE]).await.unwrap();
    second.speaker.stop_listening(&[ONE]).await.unwrap();
    say(&mut first, ONE, "too late").await;
    say(&mut first, TWO, "still").await;
    hears(&mut second, "still").await;
}

async fn any_bytes_can_be_a_message(subject: &mut impl Subject) {
    let mut line = connect(subject, &[ONE]).await;
    let every_byte: Bytes = (0..=255).collect();
    let long = Bytes::from(vec![13; 300_000]);
    for message in [Bytes::new(), every_byte, long] {
        let messages = vec![(ONE, message.clone())];
        line.speaker.publish(messages).await.unwrap();
        assert_eq!(arrives(&mut line).await, Some(Arrival::Message(message)));
    }
}

async fn many_channels_are_listened_to_at_once(subject: &mut impl Subject) {
    let all: Vec<Channel> = (0..crate::ports::GROUPS).map(Channel::Group).collect();
    let mut line = connect(subject, &all).await;
    for channel in all {
        say(&mut line, channel, "here too").await;
        hears(&mut line, "here too").await;
    }
}

async fn a_connection_that_was_cut_says_so_and_another_can_be_made(subject: &mut impl Subject) {
    let mut line = connect(subject, &[ONE]).await;
    subject.cut().await;
    assert_eq!(arrives(&mut line).await, None);
    let messages = vec![(ONE, Bytes::from_static(b"to nobody"))];
    assert!(line.speaker.publish(messages).await.is_err());
    let mut line = connect(subject, &[ONE]).await;
    say(&mut line, ONE, "again").await;
    hears(&mut line, "again").await;
}

async fn who_takes_nothing_holds_up_nobody(subject: &mut impl Subject) {
    let mut idle = connect(subject, &[ONE]).await;
    let mut first = connect(subject, &[TWO]).await;
    let message = Bytes::from(vec![7; 1_000]);
    for _ in 0..100 {
        let messages = vec![(ONE, message.clone()); 250];
        let published = tokio::time::timeout(PATIENCE, first.speaker.publish(messages));
        published.await.unwrap().unwrap();
    }
    say(&mut first, TWO, "goes on").await;
    hears(&mut first, "goes on").await;
    // It has them all, or learns that it missed some, or that its connection is over.
    let mut taken = 0;
    while taken < 25_000 {
        match idle.arrivals.try_recv() {
            Ok(Arrival::Message(_)) => taken += 1,
            Ok(Arrival::SomeLost) | Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => {
                // What was lost is told with what comes next.
                say(&mut first, ONE, "next").await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
}
