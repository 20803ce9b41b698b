//! [`key_files`]: the private keys that a run would take, looked at one by one.

use std::os::unix::fs::PermissionsExt;

use super::super::error::Error;
use super::super::input::Input;
use super::super::inspect::KeyFound;
use super::super::secret_file::LIMIT;
use super::super::secrets::{KeysFrom, PrivateKeys, files_in};
use crate::io;
use crate::key::{KeyBlock, parse};

/// A file with keys, or what a command printed.
pub(crate) struct KeyFile {
    /// Its printable name.
    pub name: String,
    /// Who may read it, where it is a file.
    pub mode: Option<u32>,
    /// What it holds, or why it cannot be used.
    pub found: Result<Vec<KeyFound>, Error>,
}

/// The files of `from`, of folders those with a private key in them. A command that prints a key is run;
/// one that unwraps is not. No passphrase is asked for; encrypted keys are opened with that of `keys`,
/// if one was given.
pub(crate) fn key_files(from: &KeysFrom, keys: &PrivateKeys) -> Vec<KeyFile> {
    let mut files = Vec::new();
    for input in &from.paths {
        if input.path().is_some_and(std::path::Path::is_dir) {
            files.extend(inside(input, keys));
            continue;
        }
        let mode = mode(input);
        let (name, read) = input.read_secret(LIMIT);
        let found = match read {
            Ok(bytes) => look(&name, &bytes, keys),
            Err(error) => Err(Error::KeyUnread(name.clone(), error)),
        };
        files.push(KeyFile { name, mode, found });
    }
    if let Some(command) = &from.key_command {
        let name = "--key-command";
        let printed = io::run_command(command, &[], from.withheld, &[], LIMIT);
        let found = match printed {
            Ok(bytes) => look(name, &bytes, keys),
            Err(error) => Err(Error::Command(name, error)),
        };
        files.push(KeyFile {
            name: name.to_owned(),
            mode: None,
            found,
        });
    }
    files
}

/// The key files of a folder. What is no key is passed over, as always; all of it must not be.
fn inside(folder: &Input, keys: &PrivateKeys) -> Vec<KeyFile> {
    let whole = |found| KeyFile {
        name: folder.to_string(),
        mode: None,
        found,
    };
    let paths = match folder.path().map(files_in) {
        Some(Ok(paths)) => paths,
        Some(Err(error)) => return vec![whole(Err(error))],
        None => vec![],
    };
    let files = paths.into_iter().filter_map(|path| {
        let file = Input::File(path);
        let bytes = file.read(LIMIT).ok()?;
        let blocks = parse(&bytes).ok()?;
        let is_private = |block: &KeyBlock| !matches!(block, KeyBlock::Public(_));
        blocks.iter().any(is_private).then(|| {
            let name = file.to_string();
            let found = found(&blocks, keys);
            let mode = mode(&file);
            KeyFile { name, mode, found }
        })
    });
    let files: Vec<_> = files.collect();
    if files.is_empty() {
        return vec![whole(Err(Error::NoKeyIn(folder.to_string())))];
    }
    files
}

fn look(name: &str, bytes: &[u8], keys: &PrivateKeys) -> Result<Vec<KeyFound>, Error> {
    let blocks = parse(bytes).map_err(|error| Error::Key(name.to_owned(), error))?;
    found(&blocks, keys)
}

fn found(blocks: &[KeyBlock], keys: &PrivateKeys) -> Result<Vec<KeyFound>, Error> {
    let found = blocks.iter().map(|block| KeyFound::of(block, keys));
    found.collect()
}

fn mode(input: &Input) -> Option<u32> {
    let metadata = fs_err::metadata(input.path()?).ok()?;
    let mode = metadata.permissions().mode() & 0o7777;
    metadata.is_file().then_some(mode)
}
