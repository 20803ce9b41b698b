use std::process::Command;

use super::*;

const NOW: u64 = 1_800_000_000;
const RECORDING: &str = "RE0123456789abcdef0123456789abcdef";
const ARCHIVE: &str = "b40ef09b-3811-4726-b508-e41a0f96c68f";
/// 32 bytes, and 33 that need both alphabets' last letters.
const ONE: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const OTHER: &str = "+/+/MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk";

fn keys(text: &str) -> LinkKeys {
    LinkKeys::parse(text.as_bytes()).unwrap()
}

fn refused(text: &str) -> LinkKeyError {
    LinkKeys::parse(text.as_bytes()).err().unwrap()
}

fn claims() -> Claims {
    Claims {
        recording: RECORDING.to_owned(),
        who: "alice@example.com".to_owned(),
        expires: NOW + 300,
        kind: Kind::Media,
        by: None,
    }
}

/// A token of any payload, with a MAC that is right.
fn forged(keys: &LinkKeys, payload: &str) -> String {
    let signed = format!("v1.{}.{payload}", keys.first.kid);
    let mac = keys.first.mac(&signed).unwrap().finalize().into_bytes();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac))
}

fn forged_json(keys: &LinkKeys, json: &str) -> String {
    forged(keys, &BASE64_URL_SAFE_NO_PAD.encode(json))
}

#[test]
fn a_link_says_what_it_was_made_of() {
    let keys = LinkKeys::random().unwrap();
    for kind in [Kind::Media, Kind::Listen, Kind::Waveform] {
        for (by, who) in [(None, ""), (Some(Origin::Link), "Jürgen \"J\" \n\u{1F3A7}")] {
            let claims = Claims {
                recording: ARCHIVE.to_owned(),
                who: who.to_owned(),
                kind,
                by,
                ..claims()
            };
            let token = keys.sign(&claims).unwrap();
            assert_eq!(keys.open(&token, kind, NOW), Some(claims), "{token}");
        }
    }
}

#[test]
fn the_payload_is_json_of_these_names() {
    let keys = keys(&format!("a {ONE}"));
    let payload = |claims: &Claims| {
        let token = keys.sign(claims).unwrap();
        let parts: Vec<_> = token.split('.').collect();
        assert_eq!((parts.len(), parts[0], parts[1]), (4, "v1", "a"));
        String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(parts[2]).unwrap()).unwrap()
    };
    let mut claims = claims();
    let start =
        format!("{{\"id\":\"{RECORDING}\",\"who\":\"alice@example.com\",\"exp\":1800000300");
    assert_eq!(payload(&claims), format!("{start},\"kind\":\"media\"}}"));
    claims.kind = Kind::Listen;
    claims.by = Some(Origin::Link);
    assert_eq!(
        payload(&claims),
        format!("{start},\"kind\":\"listen\",\"by\":\"link\"}}")
    );
    claims.kind = Kind::Waveform;
    claims.by = None;
    assert_eq!(payload(&claims), format!("{start},\"kind\":\"waveform\"}}"));
}

#[test]
fn a_link_of_another_kind_is_not_accepted() {
    let keys = LinkKeys::random().unwrap();
    let all = [Kind::Media, Kind::Listen, Kind::Waveform];
    for kind in all {
        let token = keys.sign(&Claims { kind, ..claims() }).unwrap();
        for asked in all {
            let opened = keys.open(&token, asked, NOW);
            assert_eq!(opened.is_some(), asked == kind, "{kind:?} {asked:?}");
        }
    }
}

#[test]
fn a_link_ends_at_its_second() {
    let keys = LinkKeys::random().unwrap();
    let claims = claims();
    let token = keys.sign(&claims).unwrap();
    for (now, is_good) in [
        (claims.expires - 1, true),
        (claims.expires, false),
        (claims.expires + 1, false),
        (u64::MAX, false),
    ] {
        let opened = keys.open(&token, Kind::Media, now);
        assert_eq!(opened.is_some(), is_good, "{now}");
    }
}

#[test]
fn a_link_for_longer_than_twelve_hours_is_not_accepted() {
    let keys = LinkKeys::random().unwrap();
    for (expires, is_good) in [
        (NOW + 43_200, true),
        (NOW + 43_201, false),
        (u64::MAX, false),
        (0, false),
    ] {
        let token = keys
            .sign(&Claims {
                expires,
                ..claims()
            })
            .unwrap();
        let opened = keys.open(&token, Kind::Media, NOW);
        assert_eq!(opened.is_some(), is_good, "{expires}");
    }
}

#[test]
fn a_link_with_any_character_changed_is_not_accepted() {
    let keys = keys(&format!("a {ONE}\nb {OTHER}"));
    let token = keys.sign(&claims()).unwrap();
    assert!(keys.open(&token, Kind::Media, NOW).is_some());
    for at in 0..token.len() {
        for other in b"ABab01-_.=+/ \n\0~".iter().map(|byte| char::from(*byte)) {
            let mut changed = token.clone();
            changed.replace_range(at..=at, &other.to_string());
            if changed != token {
                assert!(keys.open(&changed, Kind::Media, NOW).is_none(), "{changed}");
            }
        }
        let mut shorter = token.clone();
        shorter.remove(at);
        assert!(keys.open(&shorter, Kind::Media, NOW).is_none(), "{shorter}");
        for other in ['A', '.', '=', '\n', 'ä'] {
            let mut longer = token.clone();
            longer.insert(at, other);
            assert!(keys.open(&longer, Kind::Media, NOW).is_none(), "{longer}");
        }
        assert!(keys.open(&token[..at], Kind::Media, NOW).is_none());
    }
    for end in ["A", ".", "=", "\n", " ", ".A"] {
        assert!(
            keys.open(&format!("{token}{end}"), Kind::Media, NOW)
                .is_none()
        );
    }
}

/// 43 letters hold 258 bits, of which 256 are the MAC.
#[test]
fn bits_that_mean_nothing_are_zero() {
    let keys = LinkKeys::random().unwrap();
    let token = keys.sign(&claims()).unwrap();
    let last = token.chars().next_back().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = alphabet.find(last).unwrap();
    assert_eq!(place % 4, 0);
    for other in 1..4 {
        let start = &token[..token.len() - 1];
        let same_bytes = format!("{start}{}", &alphabet[place + other..=place + other]);
        assert!(keys.open(&same_bytes, Kind::Media, NOW).is_none());
    }
    // The same of a payload, under a MAC that is right.
    let json = serde_json::to_string(&claims()).unwrap();
    for json in [format!("{json} "), format!("{json}  "), json] {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(&json);
        let opened = keys.open(&forged(&keys, &payload), Kind::Media, NOW);
        assert_eq!(opened, Some(claims()));
        if json.len() % 3 != 0 {
            let end = payload.chars().next_back().unwrap();
            let next = alphabet.find(end).unwrap() + 1;
            let other = format!(
                "{}{}",
                &payload[..payload.len() - 1],
                &alphabet[next..=next]
            );
            assert!(
                keys.open(&forged(&keys, &other), Kind::Media, NOW)
                    .is_none()
            );
            let padded = format!("{payload}{}", "=".repeat(3 - json.len() % 3));
            assert!(
                keys.open(&forged(&keys, &padded), Kind::Media, NOW)
                    .is_none()
            );
        }
    }
}

#[test]
fn a_payload_that_says_more_or_less_is_not_accepted() {
    let keys = LinkKeys::random().unwrap();
    let whole =
        format!("\"id\":\"{RECORDING}\",\"who\":\"a\",\"exp\":1800000300,\"kind\":\"media\"");
    let opens = |json: &str| {
        keys.open(&forged_json(&keys, json), Kind::Media, NOW)
            .is_some()
    };
    assert!(opens(&format!("{{{whole}}}")));
    assert!(opens(&format!("{{{whole},\"by\":\"link\"}}")));
    for json in [
        format!("{{{whole},\"more\":1}}"),
        format!("{{{whole},\"exp\":1800000300}}"),
        format!("{{{whole},\"who\":\"b\"}}"),
        format!("{{{whole},\"by\":\"me\"}}"),
        format!("{{{whole}}}{{}}"),
        format!("{{{whole}"),
        format!(" {{{whole}}}"),
        format!("[\"{RECORDING}\",\"a\",1800000300,\"media\",null]"),
        format!("{{{}}}", whole.replace("\"who\":\"a\",", "")),
        format!("{{{}}}", whole.replace("\"a\"", "null")),
        format!("{{{}}}", whole.replace("1800000300", "1800000300.0")),
        format!("{{{}}}", whole.replace("1800000300", "-1")),
        format!(
            "{{{}}}",
            whole.replace("1800000300", "18446744073709551616")
        ),
        format!("{{{}}}", whole.replace("media", "Media")),
        String::new(),
        "{}".to_owned(),
        "null".to_owned(),
    ] {
        assert!(!opens(&json), "{json}");
    }
}

#[test]
fn a_link_to_anything_but_one_recording_is_not_accepted() {
    let keys = LinkKeys::random().unwrap();
    let opens = |recording: &str| {
        let recording = recording.to_owned();
        let token = keys
            .sign(&Claims {
                recording,
                ..claims()
            })
            .unwrap();
        keys.open(&token, Kind::Media, NOW).is_some()
    };
    let hex = &RECORDING[2..];
    for prefix in ["RE", "RT", "CJ"] {
        assert!(opens(&format!("{prefix}{hex}")), "{prefix}");
    }
    assert!(opens(ARCHIVE));
    for id in [
        format!("CA{hex}"),
        format!("CF{hex}"),
        format!("RM{hex}"),
        format!("AC{hex}"),
        format!("re{hex}"),
        format!("../{RECORDING}"),
        format!("{RECORDING}.wav"),
        format!("{RECORDING}\n"),
        "2_MX4xMDB-flR1ZSBOb3YgMTkgMTE6MDk6NTggUFNUIDIwMTN-MC4zNzQxNzIxNX4".to_owned(),
        "https://example.com/".to_owned(),
        String::new(),
    ] {
        assert!(!opens(&id), "{id}");
    }
}

#[test]
fn the_first_key_signs_and_all_verify() {
    let old = keys(&format!("old {ONE}"));
    let both = keys(&format!("new {OTHER}\nold {ONE}"));
    let new = keys(&format!("new {OTHER}"));
    let of_old = old.sign(&claims()).unwrap();
    let of_both = both.sign(&claims()).unwrap();
    let opens = |keys: &LinkKeys, token: &str| keys.open(token, Kind::Media, NOW).is_some();
    assert!(of_both.starts_with("v1.new."));
    assert!(opens(&both, &of_old) && opens(&both, &of_both));
    assert!(opens(&old, &of_old) && opens(&new, &of_both));
    // A key that is gone, or that another name has.
    assert!(!opens(&new, &of_old) && !opens(&old, &of_both));
    assert!(!opens(&keys(&format!("old {OTHER}")), &of_old));
    assert!(!opens(&both, &of_old.replacen("old", "new", 1)));
}

#[test]
fn what_is_no_token_is_not_accepted() {
    let keys = keys(&format!("a {ONE}"));
    let token = keys.sign(&claims()).unwrap();
    for text in [
        "",
        ".",
        "...",
        "v1",
        "v1.a",
        "v1.a.",
        "v1.a..",
        "v1.a.e30.",
        "v2.a.e30.AAAA",
        "v1..e30.AAAA",
        "V1.a.e30.AAAA",
        &token.replacen("v1", "v2", 1),
        &token.replacen("v1", "V1", 1),
        &token.replacen("v1.", "v1..", 1),
        &format!("{token}.{token}"),
        &format!("\u{feff}{token}"),
        &"A".repeat(1 << 20),
    ] {
        assert!(keys.open(text, Kind::Media, NOW).is_none(), "{text}");
    }
}

#[test]
fn a_token_is_at_most_two_kib_long() {
    let keys = keys(&format!("a {ONE}"));
    let of = |length: usize| {
        let who = "w".repeat(length);
        Claims { who, ..claims() }
    };
    let longest = (0..2048)
        .rev()
        .find(|length| keys.sign(&of(*length)).is_some());
    let longest = longest.unwrap();
    let token = keys.sign(&of(longest)).unwrap();
    assert!((2044..=2048).contains(&token.len()), "{}", token.len());
    assert!(keys.open(&token, Kind::Media, NOW).is_some());
    let json = serde_json::to_string(&of(longest + 1)).unwrap();
    let longer = forged_json(&keys, &json);
    assert!(keys.open(&longer, Kind::Media, NOW).is_none());
}

/// Of 2^15 MACs one begins with `mp3` in either case.
#[test]
fn no_token_has_the_end_of_a_players_link_in_it() {
    let keys = keys(&format!("a-mp3 {ONE}"));
    let mut anew = 0;
    for number in 0..300_000 {
        let claims = Claims {
            expires: NOW + 1 + number % 43_200,
            who: (number / 43_200).to_string(),
            ..claims()
        };
        let token = keys.sign(&claims).unwrap();
        assert!(!token.to_ascii_lowercase().contains(".mp3"), "{token}");
        let payload = token.split('.').nth(2).unwrap();
        let json = BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap();
        if json.ends_with(b" ") {
            anew += 1;
            assert_eq!(keys.open(&token, Kind::Media, NOW), Some(claims));
        }
    }
    assert!(anew > 0, "no MAC was made anew");
}

#[test]
fn keys_stand_in_lines_with_comments_between() {
    let url_safe = OTHER.replace('+', "-").replace('/', "_");
    let text = format!(
        "# keys of the links\r\n\n  one \t {ONE}  \r\n#two {ONE}\ntwo {}\nthree {OTHER}\nFour_-4 {url_safe}",
        ONE.trim_end_matches('=')
    );
    let keys = keys(&text);
    let all: Vec<_> = std::iter::once(&keys.first).chain(&keys.others).collect();
    let kids: Vec<_> = all.iter().map(|key| key.kid.as_str()).collect();
    assert_eq!(kids, ["one", "two", "three", "Four_-4"]);
    assert_eq!(**all[0].bytes, *b"0123456789abcdef0123456789abcdef");
    assert_eq!(all[0].bytes, all[1].bytes);
    assert_eq!(all[2].bytes, all[3].bytes);
    assert_eq!(all[2].bytes.len(), 33);
    let longest = format!("{} {ONE}", "k".repeat(32));
    assert!(LinkKeys::parse(longest.as_bytes()).is_ok());
}

#[test]
fn a_file_with_a_bad_line_is_refused_by_its_number() {
    use LinkKeyError as E;
    for (text, error) in [
        (String::new(), E::Nothing),
        ("\n# only a comment\n".to_owned(), E::Nothing),
        (format!("\n#\n{ONE}"), E::Form(3)),
        (format!("a {ONE}\nb {ONE} c"), E::Form(2)),
        (format!("a {ONE}\na {OTHER}"), E::Twice(2)),
        (format!("{} {ONE}", "k".repeat(33)), E::Kid(1)),
        (format!("a.b {ONE}"), E::Kid(1)),
        (format!("ä {ONE}"), E::Kid(1)),
        (format!("a={ONE} {ONE}"), E::Kid(1)),
        (format!("mp3 {ONE}"), E::Kid(1)),
        (format!("a {ONE}\nMp3-new {ONE}"), E::Kid(2)),
        (format!("a {ONE}!"), E::Base64(1)),
        ("a +/-_".to_owned(), E::Base64(1)),
        (format!("a {}", &ONE[4..]), E::Short(1)),
        (format!("a {ONE}\n\nb {}AA==", &ONE[..40]), E::Short(3)),
    ] {
        assert_eq!(refused(&text), error, "{text}");
    }
    let not_text = [b"a ".as_slice(), ONE.as_bytes(), b"\nb \xff\xfe"].concat();
    assert_eq!(LinkKeys::parse(&not_text).err(), Some(E::Form(2)));
}

#[test]
fn an_error_tells_nothing_of_a_key() {
    for text in [
        format!("{ONE} hidden"),
        format!("hidden{ONE} hidden-hidden hidden"),
        format!("a hidden!{ONE}"),
        "a hidden".to_owned(),
        format!("a {ONE}\na hiddenhiddenhiddenhiddenhiddenhiddenhiddenhidden"),
    ] {
        let error = refused(&text);
        let words = format!("{error} {error:?}");
        assert!(
            !words.contains("hidden") && !words.contains(&ONE[..8]),
            "{words}"
        );
    }
}

#[test]
fn random_keys_differ() {
    let (one, other) = (LinkKeys::random().unwrap(), LinkKeys::random().unwrap());
    assert_ne!(one.first.bytes, other.first.bytes);
    let token = one.sign(&claims()).unwrap();
    assert!(other.open(&token, Kind::Media, NOW).is_none());
}

#[test]
fn python_makes_the_same_tokens() {
    let script = r#"
import base64, hashlib, hmac, json, sys
b64 = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
claims = json.loads(sys.argv[2])
signed = "v1.a." + b64(json.dumps(claims, separators=(",", ":")).encode())
mac = hmac.new(base64.b64decode(sys.argv[1]), signed.encode(), hashlib.sha256).digest()
print(signed + "." + b64(mac), end="")
"#;
    let keys = keys(&format!("a {ONE}"));
    let json = serde_json::to_string(&claims()).unwrap();
    let output = Command::new("python3")
        .args(["-c", script, ONE, &json])
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: there is no python3");
        return;
    };
    let made = String::from_utf8(output.stdout).unwrap();
    assert_eq!(made, keys.sign(&claims()).unwrap());
}
