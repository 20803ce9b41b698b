//! What each setting takes, and what it does not.

use super::*;

#[test]
fn a_source_is_twilio_a_folder_or_a_prefix() {
    assert_eq!(source("twilio"), Ok(Source::Twilio));
    for folder in ["./twilio", "Twilio", "/var/calls", "calls/", "~/a b"] {
        assert_eq!(source(folder), Ok(Source::Folder(folder.into())));
        assert!(is_of_folder(folder));
    }
    for text in [
        "",
        "https://x.example/",
        "file:///var/calls",
        "s3://",
        "gs://b?sig=x/",
    ] {
        assert!(source(text).is_err(), "{text}");
    }
    if cfg!(feature = "buckets") {
        for (text, prefix) in [
            ("s3://b", "s3://b/"),
            ("s3://b/", "s3://b/"),
            ("gs://b/calls", "gs://b/calls/"),
            ("az://c/calls/2026/", "az://c/calls/2026/"),
        ] {
            let Ok(Source::Bucket(location)) = source(text) else {
                panic!("{text}");
            };
            assert_eq!(location.to_string(), prefix);
            assert!(location.is_prefix() && !is_of_folder(text));
        }
    }
}

#[test]
fn an_origin_is_what_a_browser_writes() {
    for text in [
        "https://flex.twilio.com",
        "https://a.example:8443",
        "http://localhost:3000",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        "https://xn--bcher-kva.example",
    ] {
        assert_eq!(origin(text).as_deref(), Ok(text));
    }
    for text in [
        "",
        "*",
        "null",
        "flex.twilio.com",
        "https://flex.twilio.com/",
        "https://flex.twilio.com/agent",
        "https://flex.twilio.com?a",
        "https://flex.twilio.com#a",
        "https://user@flex.twilio.com",
        "https://Flex.twilio.com",
        "HTTPS://flex.twilio.com",
        "https://flex.twilio.com:443",
        "http://localhost:80",
        "https://*.twilio.com",
        "https://b\u{fc}cher.example",
        "http://flex.twilio.com",
        "http://127.0.0.1.example",
        "ftp://flex.twilio.com",
        "file:///a",
        " https://flex.twilio.com",
    ] {
        assert!(origin(text).is_err(), "{text}");
    }
}

#[test]
fn links_go_on_behind_the_public_url() {
    for (text, expected) in [
        ("https://play.example.com", "https://play.example.com/"),
        ("https://play.example.com/", "https://play.example.com/"),
        (
            "https://Play.example.com:443/x/y/",
            "https://play.example.com/x/y",
        ),
        ("http://10.0.0.1:8080", "http://10.0.0.1:8080/"),
    ] {
        assert_eq!(public_url(text).unwrap().as_str(), expected);
    }
    for text in [
        "play.example.com",
        "ftp://play.example.com",
        "https://u@play.example.com",
        "https://:p@play.example.com",
        "https://play.example.com/?a=b",
        "https://play.example.com/#a",
        "https://play.MP3.example",
        "https://play.example.com/a.mp3/b",
        "https://",
    ] {
        assert!(public_url(text).is_err(), "{text}");
    }
}

#[test]
fn the_path_of_flex_is_nobody_elses() {
    for text in ["/sec_rec", "/a/b-c.d~e", "/listening", "/sec_rec/media"] {
        assert_eq!(flex_path(text).as_deref(), Ok(text));
    }
    for text in [
        "",
        "/",
        "sec_rec",
        "/sec_rec/",
        "//a",
        "/a/../b",
        "/a b",
        "/{id}",
        "/:id",
        "/*rest",
        "/a?b",
        "/a%20b",
        "/x.mp3",
        "/X.MP3",
        "/media",
        "/media/x",
        "/listen",
        "/waveform/y",
        "/healthz",
        "/readyz",
        "/metrics",
        "/2010-04-01/Accounts",
    ] {
        assert!(flex_path(text).is_err(), "{text}");
    }
}

#[test]
fn times_accounts_addresses_and_names_are_read() {
    assert_eq!(link_ttl("90s"), Ok(Duration::from_secs(90)));
    assert_eq!(link_ttl("12h"), Ok(LONGEST_LINK));
    assert_eq!(link_ttl("720m"), Ok(LONGEST_LINK));
    for text in [
        "",
        "90",
        "0s",
        "43201s",
        "1d",
        "-1s",
        "1.5h",
        "99999999999999999999d",
    ] {
        assert!(link_ttl(text).is_err(), "{text}");
    }
    let digits = "5eed0000000000000000000000000001";
    assert!(account(&format!("AC{digits}")).is_ok());
    for text in [
        digits,
        "AC",
        &format!("ac{digits}"),
        &format!("AC{}", digits.to_uppercase()),
    ] {
        assert!(account(text).is_err(), "{text}");
    }
    for (text, expected) in [
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("localhost:80", "127.0.0.1:80"),
        ("[::]:8080", "[::]:8080"),
    ] {
        assert_eq!(address(text).unwrap().to_string(), expected);
    }
    for text in [
        "127.0.0.1",
        ":8080",
        "localhost:",
        "example.com:80",
        "127.0.0.1:65536",
        "::1:80",
    ] {
        assert!(address(text).is_err(), "{text}");
    }
    for (text, expected) in [
        ("Play.Example.com", "play.example.com"),
        ("b\u{fc}cher.example", "xn--bcher-kva.example"),
        ("[::1]", "[::1]"),
        ("10.0.0.1", "10.0.0.1"),
    ] {
        assert_eq!(host(text).as_deref(), Ok(expected));
    }
    for text in ["", "a:80", "a/b", "https://a", "a b", "[::1", "*.a"] {
        assert!(host(text).is_err(), "{text}");
    }
    assert!(role("agent").is_ok() && role("guest").is_err() && role("").is_err());
    assert!(recording(&format!("RE{digits}")).is_ok());
    assert!(recording(&format!("CA{digits}")).is_err());
    assert!(recording("../RE1").is_err());
}
