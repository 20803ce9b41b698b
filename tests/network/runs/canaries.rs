//! Secrets stay where they are: none of them in what is printed, reported or left on disk, in what
//! other processes see, or in what any host is sent but the one that they are for.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::{Place, add_voices, run, sid};
use crate::common::canaries::{Canaries, PASSPHRASE, canaries};
use crate::common::made::wait_for;
use crate::common::{fixture, stderr};
use crate::fake::{
    API_SECRET, AUTH_TOKEN, Certificate, Fake, Fault, OPENTOK_SECRET, Origin, Page, Seen,
    VideoLink, VoiceMedia,
};

const VOICE: &str = "RE5eed0000000000000000000000000001";
const VIDEO: &str = "RT5eed0000000000000000000000000001";
const ARCHIVE: &str = "5eed0000-0000-4000-8000-000000000000";
static RUNS: AtomicUsize = AtomicUsize::new(0);
const PROXY_PASSWORD: &str = "made-up-proxy-password-5eed04";

/// What `Authorization` and `X-OPENTOK-AUTH` held, and the signatures of links.
fn sent(requests: &[Seen]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for seen in requests {
        for name in ["authorization", "x-opentok-auth"] {
            let value = seen.header(name).unwrap_or_default();
            let token = value.split(' ').next_back().unwrap_or_default();
            // The beginning of a token is the same for all, and no secret.
            all.extend(
                token
                    .get(token.len().saturating_sub(60)..)
                    .map(str::to_owned),
            );
        }
        for (name, value) in seen.request.query() {
            if name == "X-Amz-Signature" || name == "X-Amz-Security-Token" {
                all.insert(value);
            }
        }
    }
    all.retain(|text| text.len() >= 16);
    all
}

/// All secrets of the fixtures, of the credentials, and what a run made of them.
fn all_canaries(fakes: &[&Fake]) -> Canaries {
    let mut all = canaries();
    all.text("Twilio's API secret", API_SECRET);
    all.text("Twilio's token", AUTH_TOKEN);
    all.text("OpenTok's secret", OPENTOK_SECRET);
    all.text("the proxy's password", PROXY_PASSWORD);
    for text in fakes.iter().flat_map(|fake| sent(&fake.requests())) {
        all.text("what was sent", &text);
    }
    all
}

/// The credentials go to the API alone; what every host gets is who asks, and how.
fn assert_requests(fake: &Fake, third: &Fake, what: &str) {
    let version = concat!("unreel/", env!("CARGO_PKG_VERSION"));
    let third = third.requests();
    for (seen, is_api) in fake
        .requests()
        .iter()
        .map(|seen| (seen, seen.origin == Origin::Api))
        .chain(third.iter().map(|seen| (seen, false)))
    {
        let what = format!("{what}: {} {:?}", seen.target(), seen.request.headers);
        assert_eq!(seen.header("user-agent"), Some(version), "{what}");
        assert_eq!(seen.header("accept-encoding"), Some("identity"), "{what}");
        for (name, _) in &seen.request.headers {
            let name = name.to_lowercase();
            assert!(name != "referer" && name != "cookie", "{what}");
            let may = [
                "user-agent",
                "accept-encoding",
                "accept",
                "host",
                "range",
                "if-range",
            ];
            let lets_in = ["authorization", "x-opentok-auth"];
            assert!(
                may.contains(&name.as_str()) || is_api && lets_in.contains(&name.as_str()),
                "{what}"
            );
        }
        assert_eq!(seen.request.method, "GET", "{what}");
        assert!(seen.request.body.is_empty(), "{what}");
        let line = format!("{} {:?}", seen.target(), seen.request.headers);
        for secret in [
            API_SECRET,
            AUTH_TOKEN,
            OPENTOK_SECRET,
            PROXY_PASSWORD,
            PASSPHRASE,
        ] {
            assert!(!line.contains(secret), "{what}");
        }
    }
}

/// A run that says all it can, into `out`, with and without JSON, of the report as of the messages.
fn talkative(place: &Place, fake: &Fake, arguments: &[&str], json: bool) -> Command {
    let mut command = place.unreel(fake, arguments);
    command
        .env(
            "HTTPS_PROXY",
            format!("http://user:{PROXY_PASSWORD}@127.0.0.1:9"),
        )
        .env("UNREEL_PASSPHRASE", PASSPHRASE)
        .args(["-vvv", "--no-input", "-d", "out", "--report", "report"])
        .args(["--retries", "0", "-k"])
        .arg(fixture("keys/pbes2-aes256-sha256.pem"))
        .args(json.then_some("--json"))
        .args(["--log-format", if json { "json" } else { "text" }]);
    command
}

/// Runs it, and looks everywhere. Returns how it ended.
fn assert_silent(
    arrange: &dyn Fn(&Fake, &Fake),
    arguments: &[&str],
    change: &dyn Fn(&mut Command),
    what: &str,
) -> Option<i32> {
    let (fake, third, place) = (Fake::with_fixtures(), Fake::start(), Place::new());
    arrange(&fake, &third);
    // In turns: both say the same.
    let json = RUNS.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
    let mut command = talkative(&place, &fake, arguments, json);
    change(&mut command);
    let output = run(command);
    let what = format!("{what}, {arguments:?}, {json}");
    let said = stderr(&output);
    assert!(!said.contains("panicked"), "{what}\n{said}");
    assert_nothing_out(&place, &output, &all_canaries(&[&fake, &third]), &what);
    assert_requests(&fake, &third, &what);
    output.status.code()
}

fn assert_nothing_out(place: &Place, output: &Output, canaries: &Canaries, what: &str) {
    canaries.assert_not_printed(output, what);
    std::fs::remove_file(place.path("key.pem")).ok();
    canaries.assert_not_left(&place.path(""), what);
    if place.path("out").exists() {
        without_links(&place.path("out"));
        canaries.assert_not_left(&place.path("out"), what);
    }
    place.assert_no_temporary(what);
    let report = std::fs::read_to_string(place.path("report")).unwrap_or_default();
    for text in [&report, &stderr(output)] {
        for value in [
            "X-Amz-Signature=",
            "X-Amz-Security-Token=",
            "X-Amz-Credential=",
        ] {
            assert!(!text.contains(value), "{what}: {text}");
        }
    }
}

/// A sidecar is what the provider said, byte for byte; Vonage says a link that holds for minutes.
fn without_links(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.extension() == Some("json".as_ref())
            && let Ok(text) = std::fs::read_to_string(&path)
            && let Ok(mut answer) = serde_json::from_str::<Value>(&text)
            && answer["url"].is_string()
        {
            answer["url"] = Value::Null;
            std::fs::write(&path, answer.to_string()).expect("it is written");
        }
    }
}

const EACH: [[&str; 2]; 3] = [
    ["twilio-voice", VOICE],
    ["twilio-video", VIDEO],
    ["vonage", ARCHIVE],
];

fn nothing(_: &mut Command) {}

#[test]
fn no_success_lets_a_secret_out() {
    let stored = |fake: &Fake, _: &Fake| {
        fake.style(|style| style.voice_media = VoiceMedia::AtStorage);
    };
    for arguments in [
        ["twilio-voice", VOICE],
        ["twilio-voice", "--all"],
        ["twilio-video", VIDEO],
        ["twilio-video", "--all"],
        ["vonage", ARCHIVE],
        ["vonage", "--all"],
    ] {
        for option in [
            None,
            Some("--save-metadata"),
            Some("--download-only"),
            Some("--metadata-only"),
        ] {
            let more = |command: &mut Command| {
                command.args(option);
            };
            let code = assert_silent(&stored, &arguments, &more, "success");
            // Of all there is, some are not completed, or nobody's.
            let is_one = arguments[1] != "--all";
            assert!(
                code == Some(0) || !is_one && code == Some(10),
                "{arguments:?} {code:?}"
            );
        }
    }
}

#[test]
fn the_token_is_as_secret_as_the_key() {
    let with_token = |command: &mut Command| {
        command
            .env_remove("TWILIO_API_KEY")
            .env_remove("TWILIO_API_SECRET");
        command.env("TWILIO_AUTH_TOKEN", AUTH_TOKEN);
    };
    let echo = |fake: &Fake, _: &Fake| fake.fault("api:", Fault::Echo(401), usize::MAX);
    let nothing_wrong = |_: &Fake, _: &Fake| ();
    let arguments = ["twilio-voice", VOICE];
    assert_eq!(
        assert_silent(&nothing_wrong, &arguments, &with_token, "token"),
        Some(0)
    );
    assert_eq!(
        assert_silent(&echo, &arguments, &with_token, "token"),
        Some(9)
    );
}

#[test]
fn no_failure_lets_a_secret_out() {
    let faults = [
        Fault::status(401),
        Fault::status(403),
        Fault::status(404),
        Fault::status(410),
        Fault::status(503),
        Fault::retry_after(429, "4000"),
        Fault::Reset,
        Fault::CutAfter(100),
        Fault::ChunkedCut(100),
        Fault::LengthLarger(5),
        Fault::Garbage,
        Fault::Empty,
        Fault::ErrorPage(Page::Html),
        Fault::ErrorPage(Page::Xml),
        Fault::ErrorPage(Page::Json),
        Fault::Expired,
        Fault::RedirectLoop,
        Fault::RedirectTo("http://user:pass@127.0.0.1:9/x?secret=1234".into()),
        Fault::RedirectTo("http://169.254.169.254/latest?X-Amz-Signature=1234".into()),
        Fault::OtherBytes,
        Fault::Gzip,
        Fault::Answer(200, "application/json", b"{\"sid\":\"RE1\"}".to_vec()),
    ];
    for arguments in EACH {
        for fault in &faults {
            for (place, skip) in [("api:", 0), ("api:", 1), ("storage:", 0)] {
                let arrange = |fake: &Fake, _: &Fake| {
                    fake.style(|style| style.voice_media = VoiceMedia::AtStorage);
                    fake.fault_after(place, skip, fault.clone(), usize::MAX);
                };
                let what = format!("{fault:?} at {place} {skip}");
                assert_silent(&arrange, &arguments, &nothing, &what);
            }
        }
    }
}

#[test]
fn what_a_server_gives_back_of_the_credentials_is_not_repeated() {
    for arguments in EACH {
        for status in [400, 401, 403, 404, 500, 200] {
            for (place, skip) in [("api:", 0), ("api:", 1), ("storage:", 0)] {
                let is_direct = arguments[0] == "twilio-voice" && place == "api:";
                let arrange = |fake: &Fake, _: &Fake| {
                    if !is_direct {
                        fake.style(|style| style.voice_media = VoiceMedia::AtStorage);
                    }
                    fake.fault_after(place, skip, Fault::Echo(status), usize::MAX);
                };
                let what = format!("an echo, {status} at {place} {skip}");
                let code = assert_silent(&arrange, &arguments, &nothing, &what);
                // Vonage is asked once, and its links are to storage.
                let never = arguments[0] == "vonage" && (place, skip) == ("api:", 1);
                assert_eq!(code == Some(0), never, "{what} {arguments:?}");
            }
        }
    }
}

/// Of the masked message the rest is there.
#[test]
fn what_a_server_says_besides_is_repeated() {
    let (fake, place) = (Fake::with_fixtures(), Place::new());
    fake.fault("api:", Fault::Echo(401), usize::MAX);
    let said = stderr(&run(talkative(
        &place,
        &fake,
        &["twilio-voice", VOICE],
        false,
    )));
    assert!(
        said.contains("error 20003: Basic ********") && said.contains("You sent /2010"),
        "{said}"
    );
    assert!(said.contains("/Recordings/RE5eed"), "{said}");
}

#[test]
fn another_origin_gets_no_credentials() {
    for arguments in EACH {
        for link in [VideoLink::Header, VideoLink::Body] {
            for hops in [1, 3] {
                let arrange = |fake: &Fake, third: &Fake| {
                    fake.style(|style| {
                        style.voice_media = VoiceMedia::AtStorage;
                        style.video_link = link;
                    });
                    let bytes = b"no recording at all, but 32 bytes.".repeat(100);
                    let mut to = third.put("/third/a", bytes, &[], false);
                    if hops > 1 {
                        // Over a host of the provider's again: what was left behind does not come back.
                        third.fault(
                            "/third/a",
                            Fault::RedirectTo(format!("{}/v1/x", fake.base())),
                            1,
                        );
                        to = format!("{}/third/a", third.storage());
                    }
                    fake.fault("storage:", Fault::RedirectTo(to), 1);
                };
                let what = format!("a redirection, {link:?}, {hops}");
                let code = assert_silent(&arrange, &arguments, &nothing, &what);
                assert_ne!(code, Some(0), "{arguments:?}");
            }
        }
    }
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_no_secret() {
    for certificate in [
        Certificate::Good,
        Certificate::Expired,
        Certificate::OtherName,
    ] {
        let (tls, place) = (Fake::start_tls_with(certificate), Place::new());
        tls.add_fixtures();
        for arguments in EACH {
            let output = run(talkative(&place, &tls, &arguments, false));
            assert_eq!(output.status.code(), Some(9), "{}", stderr(&output));
            all_canaries(&[&tls]).assert_not_printed(&output, "a certificate");
        }
        assert!(tls.requests().is_empty());
    }
}

#[test]
fn no_secret_is_in_what_other_processes_see() {
    let (fake, place) = (Fake::start(), Place::new());
    add_voices(&fake, 1, 200_000);
    let long = Duration::from_secs(100);
    fake.fault_after(
        "Recordings/RE",
        1,
        Fault::StallInBody(100_000, long),
        usize::MAX,
    );
    let mut command = talkative(&place, &fake, &["twilio-voice", &sid(0)], true);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    wait_for("media", || fake.requests().len() > 1);
    std::thread::sleep(Duration::from_millis(300));
    let canaries = all_canaries(&[&fake]);
    let see =
        |name: &str| std::fs::read(format!("/proc/{}/{name}", child.id())).unwrap_or_default();
    let arguments = see("cmdline");
    assert!(!arguments.is_empty());
    canaries.assert_not_in(&arguments, "the arguments");
    for entry in std::fs::read_dir(format!("/proc/{}/task", child.id())).expect("threads") {
        let name = entry.expect("a thread").path().join("comm");
        canaries.assert_not_in(&std::fs::read(name).unwrap_or_default(), "a thread's name");
    }
    canaries.assert_not_left(&place.path("out"), "a run half way");
    place.assert_no_temporary("a run half way");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[test]
fn commands_do_not_inherit_the_credentials() {
    for option in ["--key-command", "--unwrap-command"] {
        let (fake, place) = (Fake::with_fixtures(), Place::new());
        let pem = std::fs::read_to_string(fake.vonage_key()).expect("a key");
        for arguments in [["twilio-voice", VOICE], ["vonage", ARCHIVE]] {
            let mut command = place.unreel(&fake, &arguments);
            command
                .env("TWILIO_AUTH_TOKEN", AUTH_TOKEN)
                .env("TWILIO_API_KEY_SECRET", API_SECRET)
                .env("VONAGE_PRIVATE_KEY", &pem)
                .env("OT_API_SECRET", OPENTOK_SECRET)
                .env("QVOICE_TOKEN", "made-up-qvoice-token-5eed05")
                .env("UNREEL_PASSPHRASE", PASSPHRASE)
                .env("SEEN", place.path("seen"))
                .env_remove("TWILIO_API_SECRET")
                .args(["-d", "out", "-f", "-vvv", "--no-input"])
                .args([
                    option,
                    "env >> \"$SEEN\"; tr '\\0' ' ' < /proc/$PPID/cmdline >> \"$SEEN\"; exit 1",
                ]);
            let output = run(command);
            assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
            all_canaries(&[&fake]).assert_not_printed(&output, option);
        }
        let seen = std::fs::read(place.path("seen")).expect("it ran");
        let text = String::from_utf8_lossy(&seen).into_owned();
        assert!(
            text.contains("TWILIO_ACCOUNT_SID=") && text.contains(option),
            "{text}"
        );
        all_canaries(&[&fake]).assert_not_in(&seen, "what a command sees");
        assert!(!text.contains("qvoice-token"), "{text}");
    }
}

#[test]
fn what_is_said_of_credentials_is_masked() {
    let (fake, place) = (Fake::start(), Place::new());
    for json in [None, Some("--json")] {
        let mut command = place.unreel(&fake, &["inspect", "--credentials"]);
        command.args(json);
        let output = run(command);
        assert!(output.status.success(), "{}", stderr(&output));
        all_canaries(&[&fake]).assert_not_printed(&output, "inspect --credentials");
        if json.is_some() {
            let text = String::from_utf8(output.stdout).expect("text");
            assert!(
                text.lines()
                    .all(|line| serde_json::from_str::<Value>(line).is_ok()),
                "{text}"
            );
        }
    }
    assert!(fake.requests().is_empty());
}

/// A link that was given is as secret as what it opens.
#[test]
fn the_signature_of_a_link_is_not_printed() {
    for (fault, code) in [
        (None, 0),
        (Some(Fault::Expired), 9),
        (Some(Fault::Echo(400)), 9),
        (Some(Fault::Echo(500)), 75),
        (Some(Fault::CutAfter(100)), 75),
        (Some(Fault::RedirectLoop), 9),
        (Some(Fault::ErrorPage(Page::Xml)), 9),
    ] {
        for json in [true, false] {
            let (fake, place) = (Fake::start(), Place::new());
            let media =
                std::fs::read(fixture(&format!("twilio-voice/{VOICE}.wav.enc"))).expect("media");
            let link = fake.put("/customer/a.wav", media, &[], false);
            let what = format!("{fault:?}");
            if let Some(fault) = &fault {
                fake.fault("storage:", fault.clone(), usize::MAX);
            }
            let mut command = talkative(&place, &fake, &["twilio-voice", &link], json);
            command
                .arg("-m")
                .arg(fixture("twilio-voice/recording.json"));
            let output = run(command);
            assert_eq!(
                output.status.code(),
                Some(code),
                "{what}\n{}",
                stderr(&output)
            );
            assert_nothing_out(&place, &output, &all_canaries(&[&fake]), &what);
            assert_requests(&fake, &fake, &what);
        }
    }
}
