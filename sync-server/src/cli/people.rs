//! What can be asked of `sheaf user` and `sheaf invite`.

use clap::{Args, Subcommand, ValueEnum};
use sheaf_shared::ids::SpaceId;
use sheaf_shared::people::{Email, Name};

use super::DataArgs;

/// What to do about people.
#[derive(Debug, Args)]
pub struct UserArgs {
    /// What.
    #[command(subcommand)]
    pub command: UserCommand,
}

/// What to do about people.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account, and print the address at which its owner sets a password.
    ///
    /// The first account owns the installation, with everything that was written before.
    Add {
        /// By what they sign in.
        #[arg(value_name = "EMAIL", value_parser = email)]
        email: Email,
        /// What they are called.
        #[arg(value_name = "NAME", value_parser = name)]
        name: Name,
        /// What they are to the installation; the first one is its owner.
        #[arg(long, value_name = "OFFICE", default_value = "member")]
        office: OfficeWord,
        /// What it is done with.
        #[command(flatten)]
        with: WithArgs,
    },
    /// Show who has an account.
    List {
        /// Where everything is kept.
        #[command(flatten)]
        data: DataArgs,
    },
    /// Take an account out of use. Whoever has it is signed out within seconds.
    Disable {
        /// By what they sign in.
        #[arg(value_name = "EMAIL", value_parser = email)]
        email: Email,
        /// Take back the share links they made, too.
        #[arg(long)]
        revoke_links: bool,
        /// Where everything is kept.
        #[command(flatten)]
        data: DataArgs,
    },
    /// Put an account to use again.
    Enable {
        /// By what they sign in.
        #[arg(value_name = "EMAIL", value_parser = email)]
        email: Email,
        /// Where everything is kept.
        #[command(flatten)]
        data: DataArgs,
    },
    /// Print an address at which somebody sets another password; it works once, for a day.
    Reset {
        /// By what they sign in.
        #[arg(value_name = "EMAIL", value_parser = email)]
        email: Email,
        /// What it is done with.
        #[command(flatten)]
        with: WithArgs,
    },
    /// Say that the address of an account is that of who has it, so that they come in by an account elsewhere with it.
    Confirm {
        /// By what they sign in.
        #[arg(value_name = "EMAIL", value_parser = email)]
        email: Email,
        /// Where everything is kept.
        #[command(flatten)]
        data: DataArgs,
    },
    /// Say what somebody is to the installation.
    Office {
        /// By what they sign in.
        #[arg(value_name = "EMAIL", value_parser = email)]
        email: Email,
        /// What.
        #[arg(value_name = "OFFICE")]
        office: OfficeWord,
        /// Where everything is kept.
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Whom to invite.
#[derive(Debug, Args)]
pub struct InviteArgs {
    /// The address their account will have [default: the one they give].
    #[arg(value_name = "EMAIL", value_parser = email)]
    pub email: Option<Email>,
    /// What they will be to the installation.
    #[arg(long, value_name = "OFFICE", default_value = "member")]
    pub office: OfficeWord,
    /// The id of a space they will be able to write in.
    #[arg(long, value_name = "SPACE", value_parser = space)]
    pub space: Option<SpaceId>,
    /// Days for which the invitation can be used.
    #[arg(long, value_name = "DAYS", default_value = "7", value_parser = clap::value_parser!(u64).range(1..=30))]
    pub days: u64,
    /// What it is done with.
    #[command(flatten)]
    pub with: WithArgs,
}

/// Where everything is kept, and where the server will be found.
#[derive(Debug, Args)]
pub struct WithArgs {
    /// Where the server will be found; only for the address that is printed.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub address: String,
    /// Where everything is kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// What somebody is to the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OfficeWord {
    /// One of many.
    Member,
    /// Looks after people.
    Admin,
    /// Decides about the installation.
    Owner,
}

fn email(raw: &str) -> Result<Email, String> {
    Email::parse(raw).map_err(|error| error.to_string())
}

fn name(raw: &str) -> Result<Name, String> {
    Name::parse(raw).map_err(|error| error.to_string())
}

fn space(raw: &str) -> Result<SpaceId, String> {
    SpaceId::parse(raw).map_err(|error| error.to_string())
}
