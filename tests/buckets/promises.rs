//! What docs/buckets.md and docs/threat-model.md promise of buckets, and `reading.rs` and `writing.rs` do not hold.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::common::{Desk, VOICE, digest_of, sha256, stderr};
use crate::fake::Fault;
use crate::proxy::Proxy;
use crate::servers::{Bucket, Env, Kind};

/// A bucket of each service whose server is there, and a proxy before it.
fn scenes() -> Vec<(Bucket, Proxy)> {
    let buckets = Kind::ALL.into_iter().filter_map(Kind::bucket);
    buckets
        .map(|bucket| {
            let proxy = Proxy::start(&bucket);
            (bucket, proxy)
        })
        .collect()
}

fn with(mut command: Command, environment: &Env) -> Command {
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

/// A desk whose temporary folder is `tmp`, and how its recording is decrypted.
fn desk() -> Desk {
    let desk = Desk::new();
    fs::create_dir(desk.path("tmp")).unwrap();
    desk
}

fn voice(desk: &Desk, environment: &Env, arguments: &str) -> Command {
    let mut command = with(desk.voice(arguments), environment);
    command.env("TMPDIR", desk.path("tmp"));
    command
}

/// Fails if a file is left in the temporary folder.
fn tidy(desk: &Desk) {
    let left: Vec<_> = fs::read_dir(desk.path("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// What came of two that write to one place at the same time: who had looked before either wrote.
fn two_at_once(bucket: &Bucket, proxy: &Proxy, flag: &str) -> [i32; 2] {
    let desk = desk();
    proxy.latency(Duration::from_millis(400));
    let url = bucket.url("one.wav");
    let start = || -> Child {
        let mut command = voice(
            &desk,
            &proxy.settings(),
            &format!("{flag} -o {url} call.enc"),
        );
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    let children = [start(), start()];
    let mut codes = children.map(|child| {
        let output = child.wait_with_output().unwrap();
        output
            .status
            .code()
            .unwrap_or_else(|| panic!("{}", stderr(&output)))
    });
    codes.sort_unstable();
    let body = bucket.get("one.wav").unwrap().body;
    assert_eq!(sha256(&body), digest_of(VOICE));
    tidy(&desk);
    codes
}

#[test]
fn of_two_that_write_at_the_same_time_one_wins() {
    for (bucket, proxy) in scenes() {
        assert_eq!(two_at_once(&bucket, &proxy, ""), [0, 8]);
        let puts = proxy.requests_of("PUT ").len();
        assert_eq!(puts, 2, "both had looked, and found nothing");
        bucket.delete("one.wav");
        assert_eq!(two_at_once(&bucket, &proxy, "--if-exists skip"), [0, 0]);
    }
}

#[test]
fn no_secret_of_a_bucket_is_said_or_written() {
    for (bucket, proxy) in scenes() {
        if bucket.kind() == Kind::Gcs {
            continue;
        }
        let desk = desk();
        bucket.put("call.enc", desk.read("call.enc"), &[]);
        let secret = bucket.server.secret.clone();
        let (here, there) = (bucket.url("call.enc"), bucket.url("out.wav"));
        let arguments = format!("-v --json --report report.jsonl -o {there} {here}");
        let mut said = Vec::new();
        for fault in [None, Some(Fault::Echo(403)), Some(Fault::Echo(500))] {
            if let Some(fault) = fault {
                proxy.fault("GET ", fault, 9);
            }
            let mut command = voice(&desk, &proxy.settings(), &format!("{arguments} -f"));
            let output = command.args(["--retries", "0"]).output().unwrap();
            said.extend([output.stdout, output.stderr]);
            proxy.mend();
        }
        said.extend(desk.contents().into_values());
        let signatures: BTreeSet<_> = proxy
            .requests()
            .iter()
            .filter_map(|seen| seen.header("authorization").map(ToOwned::to_owned))
            .filter_map(|header| {
                header
                    .trim_end_matches('=')
                    .rsplit(['=', ':'])
                    .next()
                    .map(ToOwned::to_owned)
            })
            .filter(|signature| signature.len() > 20)
            .collect();
        assert!(!signatures.is_empty());
        for text in said {
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains(&secret));
            for signature in &signatures {
                assert!(!text.contains(signature), "{text}");
            }
        }
    }
}
