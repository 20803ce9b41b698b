//! Commands that the user named: a key from a secret store, an unwrap by a KMS or an HSM.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use super::secret::{self, ReadError};

/// The most that a command is given: what every pipe takes before anybody reads from it
/// (pipe(7)), and more than any RSA key wraps.
const INPUT_LIMIT: usize = 4096;

/// Why a command gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// It could not be started, or its pipes broke.
    #[error("it could not be run")]
    Io(#[source] io::Error),
    /// No key wraps as much as it would be given.
    #[error("its input would be longer than {INPUT_LIMIT} bytes")]
    TooMuch,
    /// Its answer is too long.
    #[error(transparent)]
    Read(ReadError),
    /// It ended with a failure of its own.
    #[error("it ended with {0}")]
    Failed(std::process::ExitStatus),
}

impl CommandError {
    /// Whether there was nothing to run: 126 and 127 are the shell's own (POSIX, 2.8.2).
    pub(crate) fn is_missing(&self) -> bool {
        match self {
            Self::Io(_) => true,
            Self::Failed(status) => matches!(status.code(), Some(126 | 127)),
            Self::TooMuch | Self::Read(_) => false,
        }
    }
}

/// What a command does not inherit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Withheld<'a> {
    /// Names of variables.
    pub variables: &'a [&'a str],
    /// A descriptor, if it is one of those that every shell can close: 3 to 9.
    pub descriptor: Option<u32>,
}

/// Runs `command` in a shell with `input` on its stdin and returns its stdout, up to `limit`
/// bytes. Its stderr is the user's.
///
/// # Errors
/// See [`CommandError`].
pub(crate) fn run(
    command: &str,
    environment: &[(&str, &str)],
    withheld: Withheld,
    input: &[u8],
    limit: u64,
) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    if input.len() > INPUT_LIMIT {
        return Err(CommandError::TooMuch);
    }
    let script = match withheld.descriptor {
        Some(number @ 3..=9) => format!("exec {number}<&-; {command}"),
        _ => command.to_owned(),
    };
    let mut shell = Command::new("sh");
    for name in withheld.variables {
        shell.env_remove(name);
    }
    let mut child = shell
        .arg("-c")
        .arg(script)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(CommandError::Io)?;
    // A command that does not want its input may close it.
    child
        .stdin
        .take()
        .map(|mut pipe| pipe.write_all(input).ok());
    let answer = match child.stdout.take() {
        Some(stdout) => secret::limited(stdout, limit),
        None => Ok(Zeroizing::default()),
    };
    let status = child.wait().map_err(CommandError::Io)?;
    let answer = answer.map_err(CommandError::Read)?;
    if !status.success() {
        return Err(CommandError::Failed(status));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(command: &str, input: &[u8]) -> Result<Vec<u8>, CommandError> {
        let withheld = Withheld::default();
        run(command, &[], withheld, input, 10_000).map(|answer| answer.to_vec())
    }

    #[test]
    fn the_longest_input_arrives_whole_and_a_longer_one_is_refused() {
        let input = [7; INPUT_LIMIT];
        assert_eq!(answer("cat", &input).unwrap(), input);
        assert_eq!(answer("sleep 0.1; cat", &input).unwrap(), input);
        assert_eq!(answer("exec <&-; echo done", &input).unwrap(), b"done\n");
        let error = answer("cat", &[7; INPUT_LIMIT + 1]).unwrap_err();
        assert!(matches!(error, CommandError::TooMuch));
    }

    #[test]
    fn what_is_withheld_does_not_arrive() {
        let withheld = Withheld {
            variables: &["CARGO_MANIFEST_DIR"],
            descriptor: Some(3),
        };
        let command = "echo \"${CARGO_MANIFEST_DIR-none} ${NEW-none}\"; \
                       (true <&3) 2>/dev/null || echo closed";
        let answer = run(command, &[("NEW", "new")], withheld, &[], 100).unwrap();
        assert_eq!(*answer, b"none new\nclosed\n");
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    }
}
