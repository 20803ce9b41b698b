//! Words for what could not be written.

use crate::io::OutputError;

/// What to do about something that was not written, by the reason.
pub(super) fn write_hint(error: &std::io::Error, otherwise: &'static str) -> &'static str {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "check the folder's permissions, or choose another folder"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "check that there is space, and what limits there are"
        }
        ErrorKind::NotFound => "make its folder first, with mkdir -p, or choose another",
        ErrorKind::IsADirectory => "it is a folder: name a file in it",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a file stands where a folder is meant: choose another name"
        }
        _ => otherwise,
    }
}

pub(super) fn output_hint(error: &OutputError) -> String {
    match error {
        OutputError::Exists(_) => {
            "pass -f to overwrite it, or --if-exists skip to leave it as it is".to_owned()
        }
        OutputError::NotAFile(..) => {
            "name a file with -o FILE, a folder with -d DIR, or pass -o - for standard output"
                .to_owned()
        }
        OutputError::NotAFolder(_) => "name another folder with -d DIR".to_owned(),
        OutputError::NoFolder(folder) => {
            format!("make it: mkdir -p {}", quoted(&folder.to_string_lossy()))
        }
        OutputError::AppendOnly(_) => "choose another folder, or a new name without -f".to_owned(),
        OutputError::IsInput(_) => "choose another name for the output".to_owned(),
        OutputError::NotPut { .. } => "run the same command again".to_owned(),
        OutputError::Io { source, .. } => {
            let otherwise = "check the folder and its disk, or choose another folder";
            write_hint(source, otherwise).to_owned()
        }
    }
}

/// `text` as one word of a shell's.
pub(in crate::cli) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
