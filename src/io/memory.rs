//! What the process asks of the system before it has secrets: keys are in memory, and stay out of
//! files that the system writes of it.

use rustix::fs::Mode;
#[cfg(feature = "serve")]
use rustix::process::getrlimit;
use rustix::process::{Resource, Rlimit, setrlimit, umask};

/// From now on this process and the commands it runs dump no core, and on Linux nobody but root
/// reads its memory or environment through `/proc` or attaches to it: prctl(2),
/// `PR_SET_DUMPABLE`. Where the system declines, the run goes on: the rest of it is as safe.
///
/// The umask takes nothing from the owner any longer, who is whom outputs and folders are for.
pub(crate) fn keep_private() {
    let nothing = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, nothing).ok();
    let others = Mode::RWXG | Mode::RWXO;
    let mask = umask(others);
    umask(mask & others);
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).ok();
}

/// Lets the process have as many descriptors as the system grants it: each connection is one.
#[cfg(feature = "serve")]
pub(crate) fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let hard = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, hard).ok();
}
