//! Where a command line sends its outputs, and whose buckets it means.

use std::collections::BTreeSet;

use super::args::Output;
use super::error::Failure;
use super::network;
use crate::io::Stdout;
use crate::job::{Input, Target, Task};
use crate::store::{Location, Service};

/// Where the outputs of these inputs go. `has_lines` where lines of JSON go to standard output.
pub(super) fn target(
    flags: &Output,
    task: Task,
    has_lines: bool,
    inputs: &[Input],
) -> Result<Target, Failure> {
    let target = match (&flags.output, &flags.output_dir) {
        (_, Some(folder)) => {
            Target::of_folder(folder).map_err(|error| network::location_failure(&error))?
        }
        _ if task == Task::CheckKeys => Target::Nowhere,
        (Some(path), None) if path.as_os_str() != "-" => {
            Target::of_output(path).map_err(|error| network::location_failure(&error))?
        }
        _ if flags.check => Target::Nowhere,
        (explicit, None) => {
            if explicit.is_none() && Stdout::is_terminal() {
                return Err(Failure::Terminal);
            }
            if Stdout::is_nowhere() {
                return Err(Failure::Nowhere);
            }
            Target::Stdout {
                verified: !flags.stream_unverified,
            }
        }
    };
    let groups = inputs.iter().filter(|input| input.is_group());
    several_need_a_folder(&target, inputs.len() + groups.count())?;
    match &target {
        Target::Stdout { .. } if has_lines => Err(Failure::Usage(
            "standard output cannot carry both the media and --json",
            "write one of them to a file, with -o FILE or --report PATH",
        )),
        Target::Object(_) | Target::Prefix(_) if cfg!(not(feature = "buckets")) => {
            Err(Failure::Usage(
                "this unreel was built without buckets",
                "name a file or a folder, and copy from there",
            ))
        }
        Target::File(_) | Target::Object(_) if flags.stream_unverified => Err(Failure::Usage(
            "--stream-unverified is for standard output",
            "drop it: a file gets its name after verification only",
        )),
        _ => Ok(target),
    }
}

/// The bucket that `--bucket` names.
pub(super) fn archives(flag: Option<&str>) -> Result<Option<Location>, Failure> {
    let Some(text) = flag else { return Ok(None) };
    match Location::parse(text) {
        Some(location) => location
            .map(Some)
            .map_err(|error| network::location_failure(&error)),
        // It is not repeated: it may be anything.
        None => Err(Failure::Usage(
            "the value of --bucket names no bucket",
            "write s3://BUCKET, az://CONTAINER or gs://BUCKET, or a folder in one",
        )),
    }
}

/// Whose buckets are read or written.
pub(super) fn services(
    inputs: &[Input],
    target: &Target,
    archives: Option<&Location>,
) -> BTreeSet<Service> {
    let objects = inputs.iter().filter_map(Input::object);
    let all = objects.chain(target.location()).chain(archives);
    all.map(|location| location.service).collect()
}

/// Refuses several inputs where there is room for one output.
pub(super) fn several_need_a_folder(target: &Target, inputs: usize) -> Result<(), Failure> {
    match target {
        Target::Stdout { .. } | Target::File(_) | Target::Object(_) if inputs > 1 => {
            Err(Failure::Usage(
                "several inputs need a folder for their outputs",
                "name it with -d DIR",
            ))
        }
        _ => Ok(()),
    }
}
