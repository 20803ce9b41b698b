//! What the machine gives a run: time, room, certificates, descriptors, cores, memory.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::super::credentials::{self, From};
use super::super::error::{Failure, sentence};
use super::super::exit::Code;
use super::super::units::{size, thousands};
use super::check::Check;
use super::clock;
use crate::api::Roots;
use crate::io::{Memory, OutputError, Room, descriptors, is_private};
use crate::job::Error;

/// Less room than this is soon used up by what comes through a pipe.
const ROOM: u64 = 1 << 30;

/// Fewer descriptors are too few for recordings that are fetched together.
const DESCRIPTORS: u64 = 256;

/// Less memory is too little for some recordings at once.
const MEMORY: u64 = 128 << 20;

/// One after another, as they are asked for.
pub(super) fn checks(from: &From<'_>, ca_file: Option<&Path>) -> impl Iterator<Item = Check> {
    let all: [&dyn Fn() -> Check; 8] = [
        &|| clock::check(SystemTime::now()),
        &temporary_folder,
        &|| current_folder(&std::env::current_dir().unwrap_or_default()),
        &|| certificates(from, ca_file),
        &files,
        &cores,
        &memory,
        &core_dumps,
    ];
    all.map(|check| check()).into_iter()
}

fn temporary_folder() -> Check {
    const NAME: &str = "temporary_folder";
    let room = match Room::temporary() {
        Ok(room) => room,
        Err(error) => {
            return Check::failed(
                NAME,
                sentence(&error),
                Code::Output,
                "set TMPDIR to a folder that can be written: what comes through a pipe is kept there, \
                 encrypted, and what goes into a bucket",
            );
        }
    };
    let check = match room.free {
        Some(free) if free < ROOM => Check::warning(
            NAME,
            said(&room),
            "make room, or set TMPDIR to another folder: recordings that come through a pipe are \
             kept there, encrypted",
        ),
        _ => Check::ok(NAME, said(&room)),
    };
    with_room(check, &room)
}

fn current_folder(folder: &Path) -> Check {
    const NAME: &str = "current_folder";
    match Room::of(folder) {
        Ok(room) => with_room(Check::ok(NAME, said(&room)), &room),
        Err(error) => Check::warning(
            NAME,
            match &error {
                OutputError::Io { source, .. } => format!("no file can be made in it: {source}"),
                error => error.to_string(),
            },
            "write to another folder, with -d DIR or -o FILE",
        ),
    }
}

/// How much room there is, and what is left of a file that was never finished.
fn said(room: &Room) -> String {
    let folder = room.folder.display();
    let free = room
        .free
        .map_or_else(String::new, |free| format!("{} free, ", size(free)));
    let names = if room.unnamed {
        "O_TMPFILE"
    } else {
        "no O_TMPFILE: kill -9 may leave .NAME.unreel-XXXXXX"
    };
    format!("{folder}: {free}{names}")
}

fn with_room(check: Check, room: &Room) -> Check {
    check
        .with("path", room.folder.display().to_string())
        .with("free_bytes", room.free)
        .with("o_tmpfile", room.unnamed)
}

fn certificates(from: &From<'_>, ca_file: Option<&Path>) -> Check {
    const NAME: &str = "certificates";
    let variable = |name: &str| (from.env.variable)(name).filter(|value| !value.is_empty());
    let folders = variable("SSL_CERT_DIR").unwrap_or_default();
    let file = variable("SSL_CERT_FILE").map(PathBuf::from);
    let folders = std::env::split_paths(&folders).filter(|path| !path.as_os_str().is_empty());
    let named = file.into_iter().chain(folders).collect();
    let authorities = match credentials::authorities(from, ca_file) {
        Ok(authorities) => authorities,
        Err(failure) => return Check::of_failure(NAME, &failure),
    };
    let roots = match Roots::found(named, authorities.as_ref()) {
        Ok(roots) => roots,
        Err(error) => {
            let name = authorities.map(|(name, _)| name).unwrap_or_default();
            return Check::of_failure(NAME, &Failure::Job(Error::Fetch(name, error)));
        }
    };
    let places: Vec<_> = roots
        .places
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let of = places.join(", ");
    let own = match &authorities {
        Some((name, _)) => format!(", and {} of `{name}`", roots.own),
        None => String::new(),
    };
    let check = match roots.system {
        Some(0) if roots.own == 0 => Check::warning(
            NAME,
            match places.as_slice() {
                [] => "none found: nothing can be fetched".to_owned(),
                _ => format!("none in {of}: nothing can be fetched"),
            },
            "install ca-certificates, or name a file of them with SSL_CERT_FILE or --ca-file",
        ),
        Some(count) => Check::ok(NAME, format!("{count} of {of}{own}")),
        None => Check::ok(NAME, format!("the system judges{own}")),
    };
    let check = match roots.problems.first() {
        Some(problem) if check.code().is_none() && !check.is_warning() => {
            check.but(problem, "see SSL_CERT_FILE and SSL_CERT_DIR")
        }
        _ => check,
    };
    check
        .with("count", roots.system)
        .with("own", roots.own)
        .with("places", places)
}

fn files() -> Check {
    const NAME: &str = "descriptors";
    let (now, most) = descriptors();
    let words = |limit: Option<u64>| limit.map_or("any number".to_owned(), thousands);
    let message = format!("{} open files, {} at most", words(now), words(most));
    let check = match now {
        Some(few) if few < DESCRIPTORS => Check::warning(
            NAME,
            message,
            "raise the limit, with ulimit -n 1024 or LimitNOFILE=, or work with -j 1",
        ),
        _ => Check::ok(NAME, message),
    };
    check.with("limit", now).with("maximum", most)
}

fn cores() -> Check {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let message = match cores {
        1 => "1 core for this process".to_owned(),
        more => format!("{more} cores for this process"),
    };
    Check::ok("processor", message).with("count", cores)
}

fn memory() -> Check {
    const NAME: &str = "memory";
    let Some(memory) = Memory::now() else {
        return Check::ok(NAME, "this system does not say");
    };
    let message = match memory.limit {
        Some(limit) => format!(
            "{} available, {} at most (control group)",
            size(memory.available),
            size(limit)
        ),
        None => format!("{} available, no limit", size(memory.available)),
    };
    let check = match memory.limit.unwrap_or(u64::MAX).min(memory.available) {
        few if few < MEMORY => {
            Check::warning(NAME, message, "give it more, or work with -j 1 --threads 1")
        }
        _ => Check::ok(NAME, message),
    };
    check
        .with("available_bytes", memory.available)
        .with("limit_bytes", memory.limit)
}

fn core_dumps() -> Check {
    if is_private() {
        return Check::ok("core_dumps", "none: keys in memory reach no file");
    }
    Check::warning(
        "core_dumps",
        "this system lets the process dump its memory, and keys are in it",
        "switch them off: ulimit -c 0, or LimitCORE=0",
    )
}
