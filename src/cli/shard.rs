//! `--shard`: which part of a list this machine works on.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::args::{Choice, Work};
use super::error::Failure;
use crate::job::{self, Input, Metadata, Observer, Selected, Shard};

/// Who hands out the parts: the variable with the number of one, and that with how many there are.
const VARIABLES: [(&str, &str); 2] = [
    ("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
    ("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"),
];

/// The part that the flag names, or the environment.
///
/// # Errors
/// The environment names none.
pub(super) fn shard(work: &Work) -> Result<Option<Shard>, Failure> {
    match &work.shard {
        None => Ok(None),
        Some(Choice::Is(shard)) => Ok(Some(*shard)),
        Some(Choice::Auto) => of_environment(|name| std::env::var_os(name)).map(Some),
    }
}

/// The recordings that are named, and those that are another shard's: which a named one is, its
/// argument says, of files in a folder their path. Groups are everybody's.
pub(super) fn selected(
    arguments: &[PathBuf],
    inputs: &[Input],
    metadata: &Metadata,
    shard: Option<Shard>,
    observer: &dyn Observer,
) -> Result<(Vec<Selected>, Vec<Selected>), job::Error> {
    let (mut own, mut foreign) = (Vec::new(), Vec::new());
    for (at, input) in inputs.iter().enumerate() {
        for selected in metadata.select(std::slice::from_ref(input), observer)? {
            let argument = arguments.get(at).map_or(Path::new("-"), PathBuf::as_path);
            let name = match selected.input.path() {
                Some(path) if selected.found => path,
                _ => argument,
            };
            let name = name.as_os_str().as_encoded_bytes();
            if input.is_group() || shard.is_none_or(|shard| shard.has(name)) {
                own.push(selected);
            } else {
                foreign.push(selected);
            }
        }
    }
    Ok((own, foreign))
}

fn of_environment<T: AsRef<OsStr>>(variable: impl Fn(&str) -> Option<T>) -> Result<Shard, Failure> {
    // Set to nothing is not set.
    let value = |name| variable(name).filter(|value| !value.as_ref().is_empty());
    let number = |value: T| value.as_ref().to_str()?.parse::<u64>().ok();
    for (index, count) in VARIABLES {
        return match (value(index), value(count)) {
            (None, None) => continue,
            (Some(index), Some(count)) => number(index)
                .zip(number(count))
                .and_then(|(index, count)| Shard::new(index, count))
                .ok_or(Failure::Usage(
                    "the variables for --shard auto name no part of a whole",
                    "the index is a number from 0, and smaller than the size",
                )),
            (Some(_), None) if index == "JOB_COMPLETION_INDEX" => Err(Failure::Usage(
                "JOB_COMPLETION_INDEX is set, and JOB_COMPLETIONS is not",
                "Kubernetes sets the index only: set JOB_COMPLETIONS in the pod's template, to the \
                 job's spec.completions",
            )),
            _ => Err(Failure::Usage(
                "of the variables for --shard auto, one is set and the other is not",
                "set both, or pass --shard I/N",
            )),
        };
    }
    Err(Failure::Usage(
        "nothing says which part --shard auto is",
        "AWS Batch sets AWS_BATCH_JOB_ARRAY_INDEX and AWS_BATCH_JOB_ARRAY_SIZE, Kubernetes \
         JOB_COMPLETION_INDEX, beside which JOB_COMPLETIONS has to be set; else pass --shard I/N",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(set: &[(&str, &str)]) -> Option<Shard> {
        let found = |name: &str| set.iter().find(|(known, _)| *known == name);
        of_environment(|name| found(name).map(|(_, value)| *value)).ok()
    }

    #[test]
    fn the_environment_has_both_numbers_or_none() {
        let aws = [
            ("AWS_BATCH_JOB_ARRAY_INDEX", "2"),
            ("AWS_BATCH_JOB_ARRAY_SIZE", "3"),
        ];
        let kubernetes = [("JOB_COMPLETION_INDEX", "4"), ("JOB_COMPLETIONS", "5")];
        assert_eq!(auto(&aws), Shard::new(2, 3));
        assert_eq!(auto(&kubernetes), Shard::new(4, 5));
        assert_eq!(auto(&[aws, kubernetes].concat()), Shard::new(2, 3));
        let unset = [("AWS_BATCH_JOB_ARRAY_INDEX", "")];
        assert_eq!(auto(&[&unset[..], &kubernetes].concat()), Shard::new(4, 5));
        for set in [
            &[][..],
            &unset,
            &aws[..1],
            &aws[1..],
            &kubernetes[..1],
            &[("JOB_COMPLETION_INDEX", "5"), ("JOB_COMPLETIONS", "5")],
            &[("JOB_COMPLETION_INDEX", "a"), ("JOB_COMPLETIONS", "5")],
            &[("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETIONS", "0")],
        ] {
            assert_eq!(auto(set), None, "{set:?}");
        }
    }
}
