//! The arguments of `unreel keygen`.

use std::path::PathBuf;

use clap::Args;

use super::PassphraseFrom;

const PASSPHRASE: &str = "File with a passphrase to encrypt the private key with";

const MORE_OF_PASSPHRASE: &str = "\
[else the environment's UNREEL_PASSPHRASE, else a prompt; without a terminal the key is not encrypted]";

#[derive(Args, Debug)]
#[command(mut_arg("passphrase_file", |arg| {
    arg.help(PASSPHRASE).long_help(format!("{PASSPHRASE}\n\n{MORE_OF_PASSPHRASE}"))
}))]
pub(in crate::cli) struct Keygen {
    /// Folder for the files, made if it is not there
    #[arg(short = 'd', long, value_name = "DIR")]
    pub(in crate::cli) output_dir: PathBuf,
    /// Length of the modulus; Twilio takes 2048 only, Vonage at most 2048
    #[arg(long, value_name = "BITS", default_value = "2048", value_parser = ["2048", "3072", "4096"])]
    pub(in crate::cli) bits: String,
    /// Also make the self-signed certificate that Vonage asks for
    #[arg(long)]
    pub(in crate::cli) certificate: bool,
    /// The certificate's common name
    #[arg(
        long,
        value_name = "NAME",
        default_value = "unreel",
        requires = "certificate"
    )]
    pub(in crate::cli) subject: String,
    /// Days that the certificate is valid
    #[arg(
        long,
        value_name = "N",
        default_value_t = 3650,
        requires = "certificate"
    )]
    pub(in crate::cli) days: u32,
    /// Put NAME_ before the names of the files
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) passphrase: PassphraseFrom,
    /// Do not encrypt the private key, and do not ask
    #[arg(long, conflicts_with_all = ["passphrase_file", "passphrase_fd"])]
    pub(in crate::cli) no_passphrase: bool,
}
