//! Proxies: which hosts are asked for through one, and that nothing goes past it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::{Place, around, ends, run, sid, strace};
use crate::common::made::{encrypted, plaintext};
use crate::common::{fixture, has, skip, stderr};
use crate::fake::{ACCOUNT, API_KEY, API_SECRET, Fake, Fault, Video, Voice, VoiceMedia};

const VIDEO: &str = "RT5eed0000000000000000000000000001";
const ARCHIVE: &str = "5eed0000-0000-4000-8000-000000000000";

/// A proxy that refuses everything, and remembers what it was asked for, headers included. Its
/// thread ends with the test's process.
struct Proxy {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        Self::answering("403 Forbidden")
    }

    fn answering(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let head = refuse(stream, status);
                heard
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(head);
            }
        });
        Self { address, asked }
    }

    /// The heads of the requests so far.
    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }

    /// The hosts that tunnels were asked for to.
    fn hosts(&self) -> Vec<String> {
        let host = |head: &String| {
            let mut words = head.split(' ');
            assert_eq!(words.next(), Some("CONNECT"), "{head}");
            words.next().expect("a host").to_owned()
        };
        self.asked().iter().map(host).collect()
    }

    fn forget(&self) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clear();
    }
}

/// Reads the head of a request, and says no.
fn refuse(stream: TcpStream, status: &str) -> String {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|length| length > 2) {}
    let refusal = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    reader.get_mut().write_all(refusal.as_bytes()).ok();
    head
}

/// A command without any base of ours: the providers' own hosts, behind the proxy. The authority
/// of `tls` is trusted, for systems that have none.
fn of_the_providers(place: &Place, tls: &Fake, proxy: &str, arguments: &[&str]) -> Command {
    let mut command = place.unreel(tls, arguments);
    for base in ["TWILIO_API", "TWILIO_VIDEO", "VONAGE_VIDEO", "OPENTOK"] {
        command.env_remove(format!("UNREEL_{base}_URL"));
    }
    command.args([
        "--check",
        "-k",
        "key.pem",
        "--retries",
        "0",
        "-v",
        "--ca-file",
    ]);
    command.arg(tls.ca_file());
    command.env("HTTPS_PROXY", format!("http://{proxy}"));
    command
}

/// Fails if a proxy was told more than a host and who asks.
fn assert_bare(head: &str) {
    let lower = head.to_lowercase();
    for name in [
        "authorization",
        "cookie",
        "referer",
        "x-",
        "signature",
        "accept-encoding",
    ] {
        assert!(!lower.contains(&format!("\n{name}")), "{head}");
    }
    for secret in [API_SECRET, ACCOUNT, API_KEY, "/2010", "/v1", "/v2"] {
        assert!(!head.contains(secret), "{head}");
    }
}

#[test]
fn the_providers_own_hosts_are_asked_for_by_name_and_nothing_else_is() {
    let (tls, place, proxy) = (Fake::start_tls(), Place::new(), Proxy::start());
    let id = sid(1);
    let region = [("TWILIO_REGION", "ie1"), ("TWILIO_EDGE", "dublin")];
    for (arguments, env, hosts) in [
        (["twilio-voice", &id], &[][..], &["api.twilio.com:443"][..]),
        (["twilio-voice", "--all"], &[], &["api.twilio.com:443"]),
        (
            ["twilio-voice", &id],
            &region,
            &["api.dublin.ie1.twilio.com:443"],
        ),
        (["twilio-video", VIDEO], &[], &["video.twilio.com:443"]),
        (
            ["twilio-video", VIDEO],
            &region,
            &["video.dublin.ie1.twilio.com:443"],
        ),
        (
            // Whether it is OpenTok's is not known while the first cannot be asked.
            ["vonage", ARCHIVE],
            &[],
            &["video.api.vonage.com:443"],
        ),
        (
            ["vonage", "--all"],
            &[],
            &["video.api.vonage.com:443", "api.opentok.com:443"],
        ),
    ] {
        proxy.forget();
        let mut command = of_the_providers(&place, &tls, &proxy.address, &arguments);
        command.envs(env.iter().copied());
        let output = run(command);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(75), "{arguments:?}\n{said}");
        assert!(said.contains("the proxy does not let it through"), "{said}");
        let mut asked = proxy.hosts();
        asked.dedup();
        assert_eq!(asked, hosts, "{arguments:?}\n{said}");
        proxy.asked().iter().for_each(|head| assert_bare(head));
        place.assert_empty("behind a proxy");
    }
    assert!(tls.requests().is_empty());
}

#[test]
fn a_proxy_that_wants_a_password_is_told_from_one_that_refuses() {
    let (tls, place) = (Fake::start_tls(), Place::new());
    let proxy = Proxy::answering("407 Proxy Authentication Required");
    let arguments = ["twilio-voice", &sid(1)];
    let output = run(of_the_providers(&place, &tls, &proxy.address, &arguments));
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(75), "{said}");
    assert!(
        said.contains("the proxy wants a user name and a password"),
        "{said}"
    );
    place.assert_empty("behind a proxy");
}

#[test]
fn through_a_proxy_no_name_is_looked_up_and_nothing_else_is_connected_to() {
    if !strace() {
        return;
    }
    let (tls, place, proxy) = (Fake::start_tls(), Place::new(), Proxy::start());
    let command = of_the_providers(&place, &tls, &proxy.address, &["twilio-voice", &sid(1)]);
    let log = place.path("trace");
    let options = [
        "-f",
        "-qq",
        "-e",
        "trace=connect,sendto,sendmsg,sendmmsg,openat",
        "-o",
    ];
    let mut options = options.to_vec();
    options.push(log.to_str().expect("a name"));
    let output = run(around("strace", &options, &command));
    assert_eq!(output.status.code(), Some(75), "{}", stderr(&output));
    let text = std::fs::read_to_string(&log).expect("a log");
    let port = proxy.address.split(':').next_back().expect("a port");
    let mut connected = 0;
    for line in text.lines().filter(|line| line.contains("connect(")) {
        let is_proxy = line.contains(&format!("htons({port})")) && line.contains("\"127.0.0.1\"");
        assert!(is_proxy, "{line}");
        connected += 1;
    }
    assert!(connected > 0);
    for line in text.lines() {
        assert!(
            !line.contains("resolv.conf") && !line.contains("htons(53)"),
            "{line}"
        );
    }
}

#[test]
fn bases_on_this_machine_are_never_asked_for_through_a_proxy() {
    let (fake, place, proxy) = (Fake::with_fixtures(), Place::new(), Proxy::start());
    fake.style(|style| style.voice_media = VoiceMedia::AtStorage);
    let voice = "RE5eed0000000000000000000000000001";
    for arguments in [["twilio-voice", voice], ["twilio-video", VIDEO]] {
        let mut command = place.unreel(&fake, &arguments);
        command.args(["--check", "-k", "key.pem"]);
        for name in [
            "HTTPS_PROXY",
            "HTTP_PROXY",
            "ALL_PROXY",
            "https_proxy",
            "http_proxy",
        ] {
            command.env(name, format!("http://{}", proxy.address));
        }
        ends(command, 0);
    }
    assert!(proxy.asked().is_empty());
}

/// `NO_PROXY` would lead to the provider itself: in a network of its own, which has nothing in it.
#[test]
fn no_proxy_is_heeded() {
    let (tls, place) = (Fake::start_tls(), Place::new());
    let alone = ["-Urn"];
    if !has("unshare")
        || !Command::new("unshare")
            .args(alone)
            .arg("true")
            .output()
            .is_ok_and(|output| output.status.success())
    {
        return skip("NO_PROXY: no network of its own may be made here");
    }
    for (no_proxy, reason) in [
        ("", "the proxy cannot be reached"),
        ("example.com", "the proxy cannot be reached"),
        ("api.twilio.com", "the name is not known"),
        ("twilio.com", "the name is not known"),
        ("*", "the name is not known"),
    ] {
        let mut command = of_the_providers(&place, &tls, "127.0.0.1:9", &["twilio-voice", &sid(1)]);
        command.env("NO_PROXY", no_proxy);
        let output = run(around("unshare", &alone, &command));
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(75), "{no_proxy}\n{said}");
        assert!(said.contains(reason), "{no_proxy}: {said}");
    }
}

#[test]
fn storage_of_the_customers_that_is_no_bucket_is_never_contacted() {
    let (fake, place, proxy) = (Fake::start(), Place::new(), Proxy::start());
    let media = encrypted(&plaintext(2000));
    let bucket = "https://customer.example.com/recordings/a.wav?X-Amz-Signature=5eed5eed5eed5eed";
    fake.add_voice(Voice {
        external: Some(bucket.into()),
        ..Voice::new(&sid(1), &media, super::details())
    });
    fake.add_video(Video {
        external: Some(bucket.into()),
        ..Video::new(VIDEO, b"", &[])
    });
    for (provider, id) in [("twilio-voice", sid(1)), ("twilio-video", VIDEO.to_owned())] {
        for options in [&["--check"][..], &["--metadata-only", "-d", "out"]] {
            let mut command = place.unreel(&fake, &[provider, &id]);
            command
                .args(options)
                .args(["-k", "key.pem", "-v", "--retries", "0"]);
            command.env("HTTPS_PROXY", format!("http://{}", proxy.address));
            let output = run(command);
            let said = stderr(&output);
            assert!(!said.contains("5eed5eed5eed5eed"), "{said}");
            // What opens a recording of Twilio Voice is not in the bucket.
            let is_kept = provider == "twilio-voice" && options.len() == 3;
            let code = if is_kept { 0 } else { 9 };
            assert_eq!(
                output.status.code(),
                Some(code),
                "{provider} {options:?}\n{said}"
            );
            assert!(is_kept || said.contains("is kept elsewhere"), "{said}");
        }
    }
    assert!(proxy.asked().is_empty(), "{:?}", proxy.asked());
}

#[test]
fn a_redirection_to_a_public_host_goes_through_the_proxy_without_credentials() {
    let (fake, place, proxy) = (Fake::start(), Place::new(), Proxy::start());
    let tls = Fake::start_tls();
    fake.add_voice(Voice::new(
        &sid(1),
        &encrypted(&plaintext(2000)),
        super::details(),
    ));
    let to =
        "https://com-twilio-us1-recordings.s3.amazonaws.com/a?X-Amz-Signature=5eed5eed5eed5eed";
    // The resource is told, the media is elsewhere.
    fake.fault_after("Recordings/RE", 1, Fault::RedirectTo(to.into()), usize::MAX);
    let mut command = place.unreel(&fake, &["twilio-voice", &sid(1)]);
    command.args(["--check", "-v", "--retries", "0", "-k"]);
    command
        .arg(fixture("keys/pkcs8.pem"))
        .arg("--ca-file")
        .arg(tls.ca_file());
    command.env("HTTPS_PROXY", format!("http://{}", proxy.address));
    let said = stderr(&ends(command, 75));
    assert!(said.contains("the proxy does not let it through"), "{said}");
    assert!(!said.contains("5eed5eed5eed5eed"), "{said}");
    assert_eq!(
        proxy.hosts(),
        ["com-twilio-us1-recordings.s3.amazonaws.com:443"]
    );
    proxy.asked().iter().for_each(|head| assert_bare(head));
}
