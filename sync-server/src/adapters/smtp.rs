//! Letters by SMTP.

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use crate::config::MailSettings;
use crate::ports::{Letter, Mail, MailFault};

/// Longest wait for each answer of the mail server.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Longest time for a letter altogether.
const LETTER_WITHIN: Duration = Duration::from_secs(30);

/// A mail server that takes letters from us.
pub struct Smtp {
    from: Mailbox,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Smtp {
    /// The one that the settings name. It is asked for the first time when there is a letter.
    ///
    /// # Errors
    /// [`MailFault::Away`] when this machine has no list of certificates to check its own by.
    pub fn of(settings: &MailSettings) -> Result<Self, MailFault> {
        let away = |what: &str| MailFault::Away(what.to_owned());
        let address: Address = settings
            .from
            .as_str()
            .parse()
            .map_err(|_| away("the address of the sender"))?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(settings.url())
            .map_err(|_| away("its settings"))?
            .timeout(Some(ANSWER_WITHIN))
            .build();
        Ok(Self {
            from: Mailbox::new(Some(settings.name.clone()), address),
            transport,
        })
    }
}

#[async_trait]
impl Mail for Smtp {
    async fn send(&self, letter: Letter) -> Result<(), MailFault> {
        let to: Address = letter.to.as_str().parse().map_err(|_| MailFault::Refused)?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject)
            // Out-of-office answers to what a program wrote help nobody.
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text)
            .map_err(|_| MailFault::Refused)?;
        match tokio::time::timeout(LETTER_WITHIN, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            // What it says may repeat the address.
            Ok(Err(error)) if error.is_permanent() => Err(MailFault::Refused),
            Ok(Err(error)) => Err(MailFault::Away(kind_of(&error).to_owned())),
            Err(_) => Err(MailFault::Away("it was too slow".to_owned())),
        }
    }
}

fn kind_of(error: &lettre::transport::smtp::Error) -> &'static str {
    if error.is_timeout() {
        "it was too slow"
    } else if error.is_tls() {
        "no encrypted connection came about"
    } else if error.is_transient() {
        "it takes no letters at the moment"
    } else {
        "it could not be reached"
    }
}

#[derive(Clone)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use sheaf_shared::people::Email;
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;

    use super::*;
    use crate::app::letters::{Occasion, letter};
    use crate::config::{Outside, RawOutside};

    const TO: &str = "somebody@example.org";
    const ADDRESS: &str = "https://sheaf.example/reset/verysecret";

    fn smtp(port: u16) -> Smtp {
        let raw = RawOutside {
            public_url: Some("https://sheaf.example".to_owned()),
            smtp_url: Some(format!("smtp://127.0.0.1:{port}").as_str().into()),
            mail_from: Some("The Team <team@example.org>".to_owned()),
            ..RawOutside::default()
        };
        let outside = Outside::parse(&raw, &mut Vec::new());
        Smtp::of(&outside.mail.unwrap()).unwrap()
    }

    fn a_letter() -> Letter {
        letter(Email::parse(TO).unwrap(), &Occasion::Reset, ADDRESS)
    }

    /// A mail server that takes one letter, answers `RCPT` with `answer`, and gives what it was told.
    async fn take_one(listener: TcpListener, answer: &'static str) -> Vec<String> {
        let (socket, _) = listener.accept().await.unwrap();
        let mut lines = BufReader::new(socket);
        lines.write_all(b"220 sink\r\n").await.unwrap();
        let (mut told, mut is_text) = (Vec::new(), false);
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).await.unwrap() == 0 {
                return told;
            }
            let line = line.trim_end().to_owned();
            let word = line.split(' ').next().unwrap_or_default().to_uppercase();
            let said = match (is_text, line.as_str(), word.as_str()) {
                (true, ".", _) => {
                    is_text = false;
                    "250 taken"
                }
                (true, ..) => "",
                (_, _, "EHLO") => "250-sink\r\n250 8BITMIME",
                (_, _, "RCPT") => answer,
                (_, _, "DATA") => {
                    is_text = true;
                    "354 go on"
                }
                (_, _, "QUIT") => "221 bye",
                _ => "250 fine",
            };
            told.push(line);
            if !said.is_empty() {
                let sent = lines.write_all(format!("{said}\r\n").as_bytes()).await;
                if sent.is_err() {
                    return told;
                }
            }
        }
    }

    async fn sent(answer: &'static str) -> (Result<(), MailFault>, Vec<String>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let smtp = smtp(listener.local_addr().unwrap().port());
        let sink = tokio::spawn(take_one(listener, answer));
        let outcome = smtp.send(a_letter()).await;
        // Ends the connection.
        drop(smtp);
        (outcome, sink.await.unwrap())
    }

    #[tokio::test]
    async fn a_letter_arrives_with_its_sender_and_the_address_to_open() {
        let (outcome, told) = sent("250 fine").await;
        assert_eq!(outcome, Ok(()));
        let text = told.join("\n");
        for part in [
            "MAIL FROM:<team@example.org>",
            "RCPT TO:<somebody@example.org>",
            "The Team",
            "Auto-Submitted: auto-generated",
            "Subject: Choose a new password for Sheaf",
            ADDRESS,
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[tokio::test]
    async fn a_letter_that_is_refused_is_told_from_one_that_can_be_tried_again() {
        let (refused, _) = sent("550 no somebody@example.org here").await;
        assert_eq!(refused, Err(MailFault::Refused));
        let (later, _) = sent("451 try somebody@example.org again").await;
        let later = later.unwrap_err();
        assert!(matches!(later, MailFault::Away(_)));
        // Nobody listens there any more.
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let nobody = smtp(listener.local_addr().unwrap().port());
        drop(listener);
        let away = nobody.send(a_letter()).await.unwrap_err();
        for fault in [later, away] {
            let said = fault.to_string();
            assert!(
                !said.contains("somebody") && !said.contains("secret"),
                "{said}"
            );
        }
    }
}
