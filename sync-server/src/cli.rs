//! The command line: what can be asked of `sheaf`, and the help that explains it.

mod outside;
pub mod people;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use people::{InviteArgs, UserArgs};

use crate::config::{BlobsPlace, Place, Problem, RawConfig, Secret};

/// Write together: pages that several people edit at once, online or not.
///
/// One program serves the page, keeps the documents and brings everyone's edits together. `sheaf serve` starts it.
#[derive(Debug, Parser)]
#[command(name = "sheaf", version, propagate_version = true)]
#[command(
    after_help = "Every setting can also be given as an environment variable, named in brackets.\n\
    Start with:  sheaf serve   and open  http://127.0.0.1:8080"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the page and the documents.
    ///
    /// Stops on SIGTERM or SIGINT: it finishes what it is storing, sends everyone away over some seconds, and
    /// ends. A second signal ends it at once; nothing that was shown as saved can be lost by that.
    Serve(Box<ServeArgs>),
    /// Ask the server on this machine whether it is ready.
    ///
    /// For supervisors that look after a server by running a command. Ends with 0 if an edit would be stored now,
    /// 1 if not, 2 if nobody answers.
    Ready(ReadyArgs),
    /// Show which servers share a PostgreSQL database, and when each was last heard of.
    ///
    /// Ends with 0 if all of them are well, 1 if one has fallen silent.
    Cluster {
        /// Where everything is kept.
        #[command(flatten)]
        data: DataArgs,
    },
    /// Look after accounts from where the store is.
    ///
    /// Passwords are never given here: an address is printed at which their owner sets one. With PostgreSQL it works beside
    /// the servers; a folder can be used only while no server uses it, and what a running one needs is at /admin.
    User(UserArgs),
    /// Invite somebody to make an account, and print the address of the invitation.
    ///
    /// It can be used once. Ends with 2 if there is no account yet, or a server is using the folder.
    Invite(InviteArgs),
    /// Check everything that is stored, and say what is damaged.
    ///
    /// Reads every row, compares every checksum, looks for gaps, and opens every document. Changes nothing.
    /// Ends with 0 if all is well, 1 if something is damaged, 2 if it could not check.
    Verify {
        /// Where everything is kept.
        #[command(flatten)]
        data: DataArgs,
    },
    /// Copy everything that is stored into one file, while servers go on.
    ///
    /// The file holds all that was acknowledged before the backup began. It is read back and compared, and every
    /// document in it is opened, before it gets its name; nothing is written over. `sheaf restore` brings it back, to
    /// a folder or to PostgreSQL, wherever it came from. Ends with 0 if all is well, 1 if something stored is damaged
    /// (it is in the backup as it is), 2 if there is no backup.
    Backup(BackupArgs),
    /// Bring a backup back, to where nothing is stored yet.
    ///
    /// Everything is read back and compared, and every document is opened. Ends as `sheaf backup` does.
    Restore(RestoreArgs),
    /// Carry everything from one place to another, from SQLite to PostgreSQL or back.
    ///
    /// No server may run on the place it comes from. That place is left as it is; the other one must hold nothing.
    /// Everything is read back and compared before it counts, so an interrupted move leaves nothing behind and can
    /// be tried again. A place is a folder, the address of a PostgreSQL database, or @FILE with that address in it.
    Move(MoveArgs),
    /// Make pages out of files.
    ///
    /// Each file becomes a page at the top of the tree, titled by its first "# " heading or else by the file's name;
    /// its address is printed. Files that end in .html are read as HTML, those that end in .txt as plain text, all
    /// others as Markdown. The server must not run on the same data meanwhile. Ends with 2 if any file could not be
    /// imported; the others were.
    Import(ImportArgs),
    /// Print a page as Markdown, HTML or plain text.
    ///
    /// The server must not run on the same data meanwhile.
    Export(ExportArgs),
}

/// Whom to ask.
#[derive(Debug, Args)]
pub struct ReadyArgs {
    /// Where the server listens.
    #[arg(long, env = "SHEAF_LISTEN", value_name = "ADDR", default_value = crate::config::LISTEN)]
    pub listen: SocketAddr,
}

/// What to back up, and where to.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The file to make; or a folder, and the file gets a name by the time.
    #[arg(value_name = "FILE|FOLDER")]
    pub to: PathBuf,
    /// Where everything is kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// What to restore, and where to.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// A file that `sheaf backup` made.
    #[arg(value_name = "FILE")]
    pub from: PathBuf,
    /// Where everything is to be kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// From where to where.
#[derive(Debug, Args)]
pub struct MoveArgs {
    /// Where everything is.
    #[arg(long, value_name = "PLACE")]
    pub from: PathBuf,
    /// Where everything shall be.
    #[arg(long, value_name = "PLACE")]
    pub to: PathBuf,
    /// The bucket that pictures and files are in, as @FILE with its address [default: in the folder].
    #[arg(long, value_name = "BUCKET")]
    pub blobs_from: Option<PathBuf>,
    /// The bucket that they shall be in, as @FILE with its address [default: in the folder].
    #[arg(long, value_name = "BUCKET")]
    pub blobs_to: Option<PathBuf>,
}

/// What to import.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The files.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where the server will be found; only for the addresses that are printed.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub address: String,
    /// Where everything is kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// What to export.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The page: its title, its id, or its address.
    #[arg(value_name = "PAGE", allow_hyphen_values = true)]
    pub page: String,
    /// What to write it as.
    #[arg(long, value_name = "FORM", default_value = "md")]
    pub format: PageFormat,
    /// Write into this file instead of printing.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Where everything is kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// What a page is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PageFormat {
    /// Markdown.
    Md,
    /// An HTML file of its own.
    Html,
    /// Plain text.
    Txt,
}

/// Where everything is kept.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// Where everything is kept.
    #[arg(long, env = "SHEAF_DATA_DIR", value_name = "DIR", default_value = crate::config::DATA_DIR)]
    data_dir: PathBuf,
    /// Keep everything in this PostgreSQL database instead of the folder.
    #[arg(
        long,
        env = "SHEAF_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    database_url: Option<String>,
    /// Read the database's address from this file, which holds nothing else.
    #[arg(long, env = "SHEAF_DATABASE_URL_FILE", value_name = "FILE")]
    database_url_file: Option<PathBuf>,
    /// Keep pictures and files in this bucket of an S3-compatible store [default: in the data folder].
    #[arg(
        long,
        env = "SHEAF_BLOBS_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    blobs_url: Option<String>,
    /// Read the bucket's address from this file, which holds nothing else.
    #[arg(long, env = "SHEAF_BLOBS_URL_FILE", value_name = "FILE")]
    blobs_url_file: Option<PathBuf>,
}

impl DataArgs {
    /// Where everything is kept.
    ///
    /// # Errors
    /// [`Problem`] when the database's address is none.
    pub fn place(&self) -> Result<Place, Problem> {
        let url = self.database_url.as_deref().map(Secret::from);
        let file = self.database_url_file.as_deref();
        Place::parse(Some(self.data_dir.clone()), url.as_ref(), file)
    }

    /// Where pictures and files are kept.
    ///
    /// # Errors
    /// [`Problem`] when one of the addresses is none.
    pub fn blobs(&self) -> Result<Option<BlobsPlace>, Problem> {
        let url = self.blobs_url.as_deref().map(Secret::from);
        BlobsPlace::parse(&self.place()?, url.as_ref(), self.blobs_url_file.as_deref())
    }
}

/// The settings of `sheaf serve`. They are texts here: `config` reads them and complains of all together.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen [default: 127.0.0.1:8080].
    #[arg(long, env = "SHEAF_LISTEN", value_name = "ADDR")]
    listen: Option<String>,
    /// Where everything is kept [default: ./sheaf-data]. Back this folder up.
    #[arg(long, env = "SHEAF_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Keep everything in this PostgreSQL database instead of the folder. Servers with the same one work together.
    #[arg(
        long,
        env = "SHEAF_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    database_url: Option<String>,
    /// Read the database's address from this file, which holds nothing else.
    #[arg(long, env = "SHEAF_DATABASE_URL_FILE", value_name = "FILE")]
    database_url_file: Option<PathBuf>,
    /// Keep pictures and files in this bucket of an S3-compatible store [default: in the data folder].
    #[arg(
        long,
        env = "SHEAF_BLOBS_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    blobs_url: Option<String>,
    /// Read the bucket's address from this file, which holds nothing else.
    #[arg(long, env = "SHEAF_BLOBS_URL_FILE", value_name = "FILE")]
    blobs_url_file: Option<PathBuf>,
    /// Tell the other servers of this database at once of what is stored here, by this Redis. Without it they look by
    /// themselves, two or three times a second. May be lost at any time.
    #[arg(
        long,
        env = "SHEAF_REDIS_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    redis_url: Option<String>,
    /// Read Redis's address from this file, which holds nothing else.
    #[arg(long, env = "SHEAF_REDIS_URL_FILE", value_name = "FILE")]
    redis_url_file: Option<PathBuf>,
    /// A public pad: while nobody has made an account, everyone who can reach the address reads and changes every page.
    #[arg(long, env = "SHEAF_OPEN", value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", default_value = "false")]
    open: bool,
    /// Who makes the first account over the network: whoever shows the code that is in the log until then (code), or whoever
    /// is the first to open the page (anyone) [default: code].
    #[arg(long, env = "SHEAF_FIRST_ACCOUNT", value_name = "WHO")]
    first_account: Option<String>,
    /// How log lines look: text or json [default: text].
    #[arg(long, env = "SHEAF_LOG_FORMAT", value_name = "FORM")]
    log_format: Option<String>,
    /// The least serious log line shown: error, warn, info, debug or trace [default: info].
    #[arg(long, env = "SHEAF_LOG_LEVEL", value_name = "LEVEL")]
    log_level: Option<String>,
    /// Most open connections [default: 16384].
    #[arg(long, env = "SHEAF_CONNECTIONS_MAX", value_name = "N")]
    connections_max: Option<String>,
    /// Most open connections of one address [default: 1024].
    #[arg(long, env = "SHEAF_CONNECTIONS_PER_ADDRESS_MAX", value_name = "N")]
    connections_per_address_max: Option<String>,
    /// New connections of one address a second, in the long run; 0: any [default: an eighth of what may be open].
    #[arg(long, env = "SHEAF_CONNECTIONS_PER_ADDRESS_RATE", value_name = "N")]
    connections_per_address_rate: Option<String>,
    /// Most open connections of this machine itself [default: as many as all].
    #[arg(long, env = "SHEAF_CONNECTIONS_PER_LOOPBACK_MAX", value_name = "N")]
    connections_per_loopback_max: Option<String>,
    /// New connections of this machine itself a second, in the long run; 0: any [default: 0].
    #[arg(long, env = "SHEAF_CONNECTIONS_PER_LOOPBACK_RATE", value_name = "N")]
    connections_per_loopback_rate: Option<String>,
    /// Most exchanges under way with browsers whose network lets no WebSocket through [default: 4096].
    #[arg(long, env = "SHEAF_EXCHANGES_MAX", value_name = "N")]
    exchanges_max: Option<String>,
    /// Seconds over which people are sent away when the server stops [default: 15].
    #[arg(long, env = "SHEAF_DRAIN_SECONDS", value_name = "S")]
    drain_seconds: Option<String>,
    /// Memory that open documents may take together, in MiB [default: 1024].
    #[arg(long, env = "SHEAF_DOCUMENTS_MEMORY_MIB", value_name = "MIB")]
    documents_memory_mib: Option<String>,
    /// An origin, besides the server's own, whose pages may open sockets (behind a proxy that changes Host).
    #[arg(
        long = "origin",
        env = "SHEAF_ORIGINS",
        value_name = "URL",
        value_delimiter = ','
    )]
    origins: Vec<String>,
    /// A name that people open it by. If any is given, it answers to those and to this machine's only.
    #[arg(
        long = "host",
        env = "SHEAF_HOSTS",
        value_name = "NAME",
        value_delimiter = ','
    )]
    hosts: Vec<String>,
    /// A proxy, or a network of proxies, whose word counts for who asks (X-Forwarded-For) and that it was https
    /// (X-Forwarded-Proto).
    #[arg(
        long = "trusted-proxy",
        env = "SHEAF_TRUSTED_PROXIES",
        value_name = "ADDR",
        value_delimiter = ','
    )]
    trusted_proxies: Vec<String>,
    /// Days for which it is kept who did what; 0: for ever [default: 365].
    #[arg(long, env = "SHEAF_AUDIT_DAYS", value_name = "DAYS")]
    audit_days: Option<String>,
    /// Threads that work on documents and sockets [default: one for each core].
    #[arg(long, env = "SHEAF_THREADS", value_name = "N")]
    threads: Option<String>,
    #[command(flatten)]
    outside: outside::OutsideArgs,
}

impl From<ServeArgs> for RawConfig {
    fn from(args: ServeArgs) -> Self {
        Self {
            listen: args.listen,
            data_dir: args.data_dir,
            database_url: args.database_url.as_deref().map(Secret::from),
            database_url_file: args.database_url_file,
            blobs_url: args.blobs_url.as_deref().map(Secret::from),
            blobs_url_file: args.blobs_url_file,
            redis_url: args.redis_url.as_deref().map(Secret::from),
            redis_url_file: args.redis_url_file,
            open: args.open,
            first_account: args.first_account,
            log_format: args.log_format,
            log_level: args.log_level,
            connections_max: args.connections_max,
            connections_per_address_max: args.connections_per_address_max,
            connections_per_address_rate: args.connections_per_address_rate,
            connections_per_loopback_max: args.connections_per_loopback_max,
            connections_per_loopback_rate: args.connections_per_loopback_rate,
            exchanges_max: args.exchanges_max,
            drain_seconds: args.drain_seconds,
            documents_memory_mib: args.documents_memory_mib,
            origins: args.origins,
            hosts: args.hosts,
            trusted_proxies: args.trusted_proxies,
            audit_days: args.audit_days,
            threads: args.threads,
            outside: args.outside.into(),
        }
    }
}
