//! What leads here from outside, and from here to the outside, on the command line.

use std::path::PathBuf;

use clap::Args;

use crate::config::{RawOutside, Secret};

/// Where people find this installation, letters, and accounts elsewhere.
#[derive(Debug, Args)]
pub(super) struct OutsideArgs {
    /// The address at which people open Sheaf, beginning with https: what is written into letters leads there.
    #[arg(long, env = "SHEAF_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Send letters (invitations, forgotten passwords) by this mail server: smtps://NAME:PASSWORD@HOST, or smtp:// to begin
    /// in the clear and go on encrypted.
    #[arg(
        long,
        env = "SHEAF_SMTP_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    smtp_url: Option<String>,
    /// Read the mail server's address from this file, which holds nothing else.
    #[arg(long, env = "SHEAF_SMTP_URL_FILE", value_name = "FILE")]
    smtp_url_file: Option<PathBuf>,
    /// The address that letters come from: sheaf@example.org, or Sheaf <sheaf@example.org>.
    #[arg(long, env = "SHEAF_MAIL_FROM", value_name = "ADDRESS")]
    mail_from: Option<String>,
    /// Let people sign in by their accounts at this provider, too (OpenID Connect).
    #[arg(long, env = "SHEAF_OIDC_ISSUER", value_name = "URL")]
    oidc_issuer: Option<String>,
    /// What this installation is called at the provider.
    #[arg(long, env = "SHEAF_OIDC_CLIENT_ID", value_name = "ID")]
    oidc_client_id: Option<String>,
    /// The password of this installation at the provider, if it has one.
    #[arg(
        long,
        env = "SHEAF_OIDC_CLIENT_SECRET",
        value_name = "SECRET",
        hide_env_values = true
    )]
    oidc_client_secret: Option<String>,
    /// Read that password from this file, which holds nothing else.
    #[arg(long, env = "SHEAF_OIDC_CLIENT_SECRET_FILE", value_name = "FILE")]
    oidc_client_secret_file: Option<PathBuf>,
    /// What people know the provider by [default: its host].
    #[arg(long, env = "SHEAF_OIDC_NAME", value_name = "NAME")]
    oidc_name: Option<String>,
    /// Give everyone an account whom the provider knows. Else: who has one with that address, or was invited at it.
    #[arg(long, env = "SHEAF_OIDC_ANYONE", value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", default_value = "false")]
    oidc_anyone: bool,
}

impl From<OutsideArgs> for RawOutside {
    fn from(args: OutsideArgs) -> Self {
        Self {
            public_url: args.public_url,
            smtp_url: args.smtp_url.as_deref().map(Secret::from),
            smtp_url_file: args.smtp_url_file,
            mail_from: args.mail_from,
            oidc_issuer: args.oidc_issuer,
            oidc_client_id: args.oidc_client_id,
            oidc_client_secret: args.oidc_client_secret.as_deref().map(Secret::from),
            oidc_client_secret_file: args.oidc_client_secret_file,
            oidc_name: args.oidc_name,
            oidc_anyone: args.oidc_anyone,
        }
    }
}
