//! Commands that the user named: a key from a secret store, an unwrap by a KMS or an HSM.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use super::secret::{self, ReadError};

/// Why a command gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It could not be started, or its pipes broke.
    #[error("it could not be run")]
    Io(#[source] io::Error),
    /// Its answer is too long.
    #[error(transparent)]
    Read(ReadError),
    /// It ended with a failure of its own.
    #[error("it ended with {0}")]
    Failed(std::process::ExitStatus),
}

/// Runs `command` in a shell with `input` on its stdin and returns its stdout, up to `limit`
/// bytes. Its stderr is the user's.
///
/// # Errors
/// See [`CommandError`].
pub fn run(
    command: &str,
    environment: &[(&str, &str)],
    input: &[u8],
    limit: u64,
) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(command)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(CommandError::Io)?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let answer = std::thread::scope(|scope| {
        scope.spawn(move || {
            // A command that does not want its input may close it.
            stdin.map(|mut stdin| stdin.write_all(input).ok());
        });
        stdout.map_or_else(
            || Ok(Zeroizing::default()),
            |stdout| secret::limited(stdout, limit),
        )
    });
    let status = child.wait().map_err(CommandError::Io)?;
    let answer = answer.map_err(CommandError::Read)?;
    if !status.success() {
        return Err(CommandError::Failed(status));
    }
    Ok(answer)
}
