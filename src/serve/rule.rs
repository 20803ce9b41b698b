//! [`Rule`]: who may hear what, as the customer's own command says.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Semaphore;

use crate::api::FlexUser;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many run at the same time.
const AT_ONCE: usize = 16;

/// What it is started with, of the environment.
const KEPT: [&str; 3] = ["PATH", "HOME", "LANG"];

/// A shell command that allows with exit code 0, and denies with anything else.
pub(super) struct Rule {
    command: String,
    environment: Vec<(&'static str, std::ffi::OsString)>,
    places: Semaphore,
}

/// What it is told on its standard input, as JSON.
#[derive(Serialize)]
struct Question<'a> {
    identity: Option<&'a str>,
    realm_user_id: Option<&'a str>,
    roles: &'a [String],
    worker_sid: Option<&'a str>,
    recording: &'a str,
    call: Option<&'a str>,
}

impl Rule {
    /// `variable` says what of the environment it is started with.
    pub(super) fn new(
        command: String,
        variable: impl Fn(&str) -> Option<std::ffi::OsString>,
    ) -> Self {
        let environment = KEPT.into_iter();
        let environment = environment.filter_map(|name| Some((name, variable(name)?)));
        Self {
            command,
            environment: environment.collect(),
            places: Semaphore::new(AT_ONCE),
        }
    }

    /// Whether `user` may hear `recording`, which is of this call. Whoever waits for a place for longer
    /// than the command may take is denied, too.
    pub(super) async fn allows(
        &self,
        user: &FlexUser,
        recording: &str,
        call: Option<&str>,
    ) -> bool {
        let question = Question {
            identity: user.identity.as_deref(),
            realm_user_id: user.realm_user_id.as_deref(),
            roles: &user.roles,
            worker_sid: user.worker.as_deref(),
            recording,
            call,
        };
        let Ok(question) = serde_json::to_vec(&question) else {
            return false;
        };
        let place = tokio::time::timeout(PATIENCE, self.places.acquire()).await;
        let Ok(Ok(_place)) = place else {
            return false;
        };
        self.run(&question).await.unwrap_or(false)
    }

    async fn run(&self, question: &[u8]) -> std::io::Result<bool> {
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(&self.command)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::piped())
            // What it says is nobody's: not even the log's, for it may be about the agent.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let _group = Group(child.id());
        let stdin = child.stdin.take();
        let work = async {
            if let Some(mut stdin) = stdin {
                // It may close it unread.
                stdin.write_all(question).await.ok();
            }
            child.wait().await
        };
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(status) => Ok(status?.success()),
            Err(_) => Ok(false),
        }
    }
}

/// The processes of a command. They are ended with it, those that it left behind included.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let id = self.0.and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(command: &str) -> bool {
        let variable = |name: &str| match name {
            "PATH" => std::env::var_os("PATH"),
            _ => None,
        };
        let rule = Rule::new(command.to_owned(), variable);
        let user = FlexUser {
            identity: Some("user \"one\"".to_owned()),
            realm_user_id: None,
            worker: Some("WK1".to_owned()),
            roles: vec!["agent".to_owned()],
            expires: None,
        };
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();
        runtime.block_on(rule.allows(&user, "RE1", Some("CA1")))
    }

    #[test]
    fn exit_code_0_allows_and_anything_else_denies() {
        for (command, expected) in [
            ("exit 0", true),
            ("exit 1", false),
            ("kill -9 $$", false),
            ("no-such-command-at-all", false),
            ("exec <&-; exit 0", true),
            ("test $(env | wc -l) -le 5", true),
            ("test -z \"$CARGO_MANIFEST_DIR\"", true),
        ] {
            assert_eq!(allows(command), expected, "{command}");
        }
    }

    #[test]
    fn it_is_told_who_asks_for_what() {
        let expected = r#"{"identity":"user \"one\"","realm_user_id":null,"roles":["agent"],"worker_sid":"WK1","recording":"RE1","call":"CA1"}"#;
        assert!(allows(&format!("test \"$(cat)\" = '{expected}'")));
    }

    #[test]
    fn what_takes_too_long_denies_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let command = format!("sleep 60 & echo $! > '{}'; wait", pid.display());
        assert!(!allows(&command));
        let pid = std::fs::read_to_string(pid).unwrap();
        let process = std::path::PathBuf::from(format!("/proc/{}/stat", pid.trim()));
        // It is gone soon, or a zombie that nobody has waited for yet.
        let is_gone = || {
            let state = std::fs::read_to_string(&process);
            state.map_or(true, |state| state.contains(") Z") || state.contains(") X"))
        };
        let end = std::time::Instant::now() + PATIENCE;
        while !is_gone() {
            assert!(std::time::Instant::now() < end, "it runs on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
