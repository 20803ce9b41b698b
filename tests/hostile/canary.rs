//! Secrets stay where they are: none of them in what is printed, logged, reported or left on disk,
//! in a success or in any failure.
#![allow(clippy::expect_used, clippy::panic, reason = "it is a test")]

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::canaries::{Canaries, PASSPHRASE, canaries, latin1};
use crate::common::made::{self, Stage, half_way, has, run, skip, under};
use crate::common::{self, contents, fixture, list, stderr, text, unreel};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// The media of a case, damaged as it says.
fn media(case: &Value) -> Vec<u8> {
    let mut bytes = std::fs::read(fixture(text(case, "media"))).expect("media");
    let length = bytes.len();
    let mutate = |field: &str| case["mutate"][field].as_i64();
    let place = |at: i64| {
        usize::try_from(at).unwrap_or_else(|_| length - usize::try_from(-at).expect("short"))
    };
    if let Some(keep) = mutate("keep") {
        bytes.truncate(place(keep));
    }
    if let Some(cut) = mutate("cut") {
        bytes.truncate(length - place(cut));
    }
    if let Some(at) = mutate("flip") {
        bytes[place(at)] ^= 1;
    }
    if case["mutate"]["append"].is_string() {
        bytes.push(b'\n');
    }
    bytes
}

/// Runs a case with everything that says more, and looks everywhere.
fn assert_silent(case: &Value, canaries: &Canaries) {
    let what = text(case, "name");
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("tmp")).expect("a folder");
    let name = fixture(text(case, "media"));
    let input = path("in").join(name.file_name().expect("a name"));
    std::fs::create_dir(path("in")).expect("a folder");
    std::fs::write(&input, media(case)).expect("media");
    let mut command = common::command_for(case);
    command.env("TMPDIR", path("tmp"));
    command
        .args(["-vvv", "--json", "--no-input", "--sha256", "--report"])
        .arg(path("report"));
    command.arg(&input).arg("-o").arg(path("output"));
    let output = run(command);
    assert_eq!(
        output.status.success(),
        case["exit"].is_null(),
        "{what}\n{}",
        stderr(&output)
    );
    canaries.assert_not_printed(&output, what);
    canaries.assert_not_left(folder.path(), what);
    canaries.assert_not_left(&path("tmp"), what);
    assert!(contents(&path("tmp")).is_empty(), "{what}");
}

#[test]
fn no_success_prints_reports_or_leaves_a_secret() {
    let canaries = canaries();
    for case in list("cases") {
        assert_silent(&case, &canaries);
    }
}

#[test]
fn no_failure_prints_reports_or_leaves_a_secret() {
    let canaries = canaries();
    let failures = list("failures");
    assert!(failures.len() > 50);
    for case in failures {
        assert_silent(&case, &canaries);
    }
}

/// Keys and salts of a Qvoice configuration, and the content keys that come of them.
fn qvoice_canaries() -> Canaries {
    let text = std::fs::read(fixture("qvoice/config.json")).expect("a configuration");
    let answer: Value = serde_json::from_slice(&text).expect("JSON");
    let config = &answer["config"];
    let mut all = Canaries::none();
    let mut pairs = vec![(&config["key"], &config["salt"])];
    for version in ["1", "2"] {
        pairs.push((
            &config["historical_keys"][version],
            &config["historical_salts"][version],
        ));
    }
    for (number, (key, salt)) in pairs.into_iter().enumerate() {
        let (key, salt) = (key.as_str().expect("a key"), salt.as_str().expect("a salt"));
        all.text(&format!("key {number}"), key);
        all.text(&format!("salt {number}"), salt);
        if let Ok(decoded) = BASE64_STANDARD.decode(key) {
            all.bytes(&format!("key {number}, decoded"), &decoded);
        }
        let decoded = BASE64_STANDARD.decode(salt).unwrap_or_default();
        for salt in [b"", salt.as_bytes(), &decoded] {
            let derived = <sha2::Sha256 as sha2::Digest>::digest([key.as_bytes(), salt].concat());
            all.bytes(&format!("a content key of {number}"), &derived);
        }
    }
    all
}

/// A run of `unreel qvoice` that says all it can, and writes into `folder`.
fn talkative_qvoice(folder: &Path, arguments: &[&std::ffi::OsStr]) -> Command {
    let mut command = unreel();
    command.env("TMPDIR", folder.join("tmp"));
    command.args(["qvoice", "-vvv", "--json", "--sha256", "--report"]);
    command.arg(folder.join("report")).args(arguments);
    command.arg("-f").arg("-o").arg(folder.join("output"));
    command
}

#[test]
fn qvoice_prints_reports_and_leaves_no_secret() {
    let canaries = qvoice_canaries();
    let folder = tempfile::tempdir().expect("a folder");
    let (inputs, left) = (folder.path().join("in"), folder.path().join("left"));
    for path in [&inputs, &left, &left.join("tmp")] {
        std::fs::create_dir(path).expect("a folder");
    }
    let put = |name: &str, bytes: &[u8]| {
        let path = inputs.join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    };
    let (config, media) = (
        fixture("qvoice/config.json"),
        fixture("qvoice/rec5eed0003.enc"),
    );
    let text = std::fs::read_to_string(&config).expect("a configuration");
    let bytes = std::fs::read(&media).expect("media");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    let key = put(
        "key",
        answer["config"]["key"].as_str().expect("it").as_bytes(),
    );
    let salt = put(
        "salt",
        answer["config"]["salt"].as_str().expect("it").as_bytes(),
    );
    let mut changed = bytes.clone();
    changed[3] ^= 1;
    let mut nested = answer.clone();
    nested["config"]["key"] = serde_json::json!({ "text": answer["config"]["key"] });
    let mut twice = answer.clone();
    twice["config"]["historical_keys"]["3"] = answer["config"]["salt"].clone();
    let mut reversed = answer.clone();
    let text_of_key = answer["config"]["key"].as_str().expect("it");
    reversed["config"]["historical_keys"] = serde_json::json!({ text_of_key: "1" });
    let reversed = put("reversed.json", reversed.to_string().as_bytes());
    let tampered = put("tampered.enc", &changed);
    let cut = put("cut.enc", &bytes[..bytes.len() - 100]);
    let nested = put("nested.json", nested.to_string().as_bytes());
    let twice = put("twice.json", twice.to_string().as_bytes());
    let broken = put("broken.json", &text.as_bytes()[..text.len() - 20]);
    let short = put("short", &text.as_bytes()[..12]);
    let profile = left.join("profile");

    let run = |code: i32, options: &[(&str, &Path)], media: &Path| {
        let mut arguments = vec![];
        for (option, value) in options {
            arguments.extend([option.as_ref(), value.as_os_str()]);
        }
        arguments.push(media.as_os_str());
        let what = format!("{arguments:?}");
        let output = run(talkative_qvoice(&left, &arguments));
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        canaries.assert_not_printed(&output, &what);
        canaries.assert_not_left(&left, &what);
        assert!(contents(&left.join("tmp")).is_empty(), "{what}");
    };
    let kdf = ("--kdf", Path::new("sha256-key-salt"));
    let named = ("--config", config.as_path());
    run(0, &[named, ("--profile", &profile)], &media);
    run(0, &[named, ("--profile", &profile)], &media);
    run(6, &[named, kdf], &tampered);
    run(7, &[named, kdf], &cut);
    run(6, &[named, kdf, ("--key-version", Path::new("1"))], &media);
    run(4, &[named, kdf, ("--key-version", Path::new("9"))], &media);
    for config in [&nested, &twice, &reversed, &broken] {
        run(4, &[("--config", config), kdf], &media);
    }
    let (of_key, of_salt) = (
        ("--key-file", key.as_path()),
        ("--salt-file", salt.as_path()),
    );
    run(6, &[of_key, of_salt, kdf], &media);
    // What people do by mistake: a secret where something else belongs.
    run(
        5,
        &[("--key-file", &salt), ("--salt-file", &key), kdf],
        &media,
    );
    run(5, &[("--key-file", &short), kdf], &media);
    run(4, &[("--config", &key), kdf], &media);
    run(4, &[named, ("-m", &key), kdf], &media);
    run(4, &[named, ("-m", &config), kdf], &media);
    run(2, &[named, ("--profile", &key)], &media);
    run(2, &[named, ("--profile", &config)], &media);
    run(3, &[named, kdf], &config);
    run(3, &[named, kdf], &short);
}

#[test]
fn a_readable_configuration_or_key_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let media = fixture("qvoice/rec5eed0003.enc");
    let config = folder.path().join("config.json");
    std::fs::copy(fixture("qvoice/config.json"), &config).expect("a copy");
    let stage = Stage::qvoice(1000);
    for (mode, warned) in [(0o644, true), (0o640, true), (0o604, true), (0o600, false)] {
        for path in [&config, &stage.path("key")] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(path, permissions).expect("a mode");
        }
        let mut with_config = unreel();
        with_config.args(["qvoice", "--check", "--config"]);
        with_config.arg(&config).arg(&media);
        let mut with_key = stage.unreel();
        with_key.arg("--check").arg(stage.media());
        for (command, what) in [(with_config, "configuration"), (with_key, "key")] {
            let output = run(command);
            assert!(output.status.success(), "{}", stderr(&output));
            let said = stderr(&output).contains("can be read by other users");
            assert_eq!(said, warned, "{what}, {mode:o}");
        }
    }
}

fn call() -> std::path::PathBuf {
    fixture("twilio-voice/RE5eed0000000000000000000000000001.wav.enc")
}

/// What people do by mistake: a secret where something else belongs.
#[test]
fn a_secret_in_the_wrong_place_is_not_quoted() {
    let canaries = canaries();
    let folder = tempfile::tempdir().expect("a folder");
    let bare = folder.path().join("bare.txt");
    let pem = std::fs::read_to_string(fixture("keys/pkcs8.pem")).expect("a key");
    let body: String = pem.lines().filter(|line| !line.contains('-')).collect();
    std::fs::write(&bare, body).expect("a file");
    let secrets = [
        fixture("keys/passphrase.txt"),
        fixture("keys/pkcs8.pem"),
        fixture("keys/pkcs8.der"),
        bare,
    ];
    for secret in &secrets {
        for provider in ["twilio-voice", "twilio-video", "vonage"] {
            let run_with = |arguments: &[&std::ffi::OsStr]| {
                let mut command = unreel();
                command.args([provider, "-vvv", "--json", "--no-input", "-o"]);
                command.arg(folder.path().join("out")).args(arguments);
                let output = run(command);
                assert!(!output.status.success());
                canaries.assert_not_printed(&output, &format!("{provider} {arguments:?}"));
            };
            let secret = secret.as_os_str();
            let (call, key) = (call(), fixture("keys/pkcs8.pem"));
            let details = fixture("twilio-voice/details.json");
            let locked = fixture("keys/pbes2-aes256-sha256.pem");
            // As metadata, as media, as passphrase of a locked key, and, but for the key, as key.
            run_with(&[
                "-m".as_ref(),
                secret,
                "-k".as_ref(),
                key.as_ref(),
                call.as_ref(),
            ]);
            run_with(&[
                "-m".as_ref(),
                details.as_ref(),
                "-k".as_ref(),
                key.as_ref(),
                secret,
            ]);
            if !secret.to_string_lossy().contains("passphrase") {
                run_with(&[
                    "-m".as_ref(),
                    details.as_ref(),
                    "-k".as_ref(),
                    locked.as_ref(),
                    "--passphrase-file".as_ref(),
                    secret,
                    call.as_ref(),
                ]);
            }
            run_with(&["-m".as_ref(), call.as_ref(), "-k".as_ref(), secret, secret]);
        }
        for arguments in [&["inspect"][..], &["inspect", "--json", "-vvv"]] {
            let output = run({
                let mut command = unreel();
                command.args(arguments).arg(secret);
                command
            });
            canaries.assert_not_printed(&output, "inspect");
        }
    }
}

#[test]
fn commands_that_fail_after_printing_a_secret_are_not_quoted() {
    let canaries = canaries();
    let key = fixture("keys/pkcs8.pem").display().to_string();
    for option in ["--key-command", "--unwrap-command"] {
        for command_line in [
            format!("cat '{key}'; exit 3"),
            format!("cat '{key}' '{key}' | head -c 60"),
            format!("printf %s '{PASSPHRASE}'"),
        ] {
            let mut command = unreel();
            command.args(["twilio-voice", "-vvv", "--json", "--check", "-m"]);
            command
                .arg(fixture("twilio-voice/details.json"))
                .arg(call());
            // The command line itself is the user's; what it prints is the secret.
            command.env("SECRET_COMMAND", &command_line);
            command.args([option, "sh -c \"$SECRET_COMMAND\""]);
            let output = run(command);
            assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
            canaries.assert_not_printed(&output, option);
        }
    }
}

#[test]
fn keygen_prints_no_private_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = unreel();
    command
        .args(["keygen", "-vvv", "-d"])
        .arg(folder.path())
        .env("UNREEL_PASSPHRASE", PASSPHRASE);
    let output = run(command);
    assert!(output.status.success(), "{}", stderr(&output));
    let pem = std::fs::read_to_string(folder.path().join("private_key.pem")).expect("a key");
    let mut canaries = Canaries::new(&[]);
    for line in pem
        .lines()
        .filter(|line| !line.contains('-') && line.len() > 40)
    {
        canaries.text("a line of the new key", &line[4..36]);
    }
    canaries.assert_not_printed(&output, "keygen");
    std::fs::remove_file(folder.path().join("private_key.pem")).expect("the key");
    canaries.assert_not_left(folder.path(), "keygen");
}

fn with_passphrase(stage: &Stage) -> Command {
    let mut command = unreel();
    command
        .env("TMPDIR", stage.path("tmp"))
        .args(["twilio-voice", "-m"])
        .arg(fixture("twilio-voice/details.json"))
        .arg("-k")
        .arg(fixture("keys/pbes2-aes256-sha256.pem"))
        .arg("--passphrase-file")
        .arg(fixture("keys/passphrase.txt"))
        .arg("-");
    command
}

#[test]
fn no_secret_is_in_arguments_environment_or_temporary_files() {
    let canaries = canaries();
    let stage = Stage::new(1 << 20);
    stays_inside(&stage, &canaries, &|| with_passphrase(&stage));
    let stage = Stage::qvoice(1 << 20);
    stays_inside(&stage, &canaries, &|| {
        let mut command = stage.unreel();
        command.arg("-");
        command
    });
}

/// Looks at a run from outside, half way.
fn stays_inside(stage: &Stage, canaries: &Canaries, command: &dyn Fn() -> Command) {
    for to_file in [true, false] {
        let mut command = command();
        if to_file {
            command.arg("-o").arg(stage.target());
        }
        let mut child = half_way(stage, &mut command);
        for name in ["cmdline", "environ"] {
            // Of a process that is not dumpable, only root reads the environment.
            let bytes = std::fs::read(format!("/proc/{}/{name}", child.id())).unwrap_or_default();
            canaries.assert_not_in(&bytes, name);
        }
        canaries.assert_not_left(&stage.path("tmp"), "a run");
        assert!(
            contents(&stage.path("tmp")).is_empty(),
            "the spool has a name"
        );
        // Files without a name: what there is on disk is ciphertext, or the unfinished output.
        let descriptors = std::fs::read_dir(format!("/proc/{}/fd", child.id()));
        for entry in descriptors.into_iter().flatten().flatten() {
            let target = std::fs::read_link(entry.path()).unwrap_or_default();
            if !target.to_string_lossy().contains("(deleted)") {
                continue;
            }
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            canaries.assert_not_in(&bytes, "a temporary file");
            if target.starts_with(stage.path("tmp")) {
                assert!(
                    !made::holds_plaintext(&entry.path()),
                    "the spool is plaintext"
                );
            }
        }
        child.kill().expect("a signal");
        child.wait().expect("it ends");
        canaries.assert_not_left(&stage.path("tmp"), "a killed run");
        stage.assert_untouched(false, "a killed run");
    }
}

#[test]
fn a_run_with_keys_dumps_no_core() {
    for stage in [Stage::new(1 << 20), Stage::qvoice(1 << 20)] {
        dumps_no_core(&stage);
    }
}

fn dumps_no_core(stage: &Stage) {
    let mut child = half_way(stage, &mut stage.piped_to_file());
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id()));
    let own = std::fs::metadata("/proc/self/environ").map(|metadata| metadata.uid());
    let theirs = std::fs::metadata(format!("/proc/{}/environ", child.id()));
    child.kill().expect("a signal");
    child.wait().expect("it ends");
    let Ok(limits) = limits else {
        return skip("a look at the limits: there is no /proc");
    };
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<_> = core.expect("the line").split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{words:?}");
    if own.is_ok_and(|uid| uid == 0) {
        return skip("who owns a run's /proc: it is root's in any case");
    }
    // Root owns the files of a process that is not dumpable: proc(5).
    assert_eq!(theirs.expect("/proc").uid(), 0);
}

#[test]
fn a_run_is_not_dumpable_before_it_reads_a_key() {
    if !has("strace") {
        return skip("PR_SET_DUMPABLE: strace is not installed");
    }
    private_before_it_reads(&Stage::new(1000), "keys/pkcs8.pem");
    private_before_it_reads(&Stage::qvoice(1000), "/key\"");
}

fn private_before_it_reads(stage: &Stage, key: &str) {
    let log = stage.path("trace");
    let options = [
        "-qq",
        "-o",
        log.to_str().expect("a name"),
        "-e",
        "trace=prctl,prlimit64,openat",
    ];
    let output = run(under("strace", &options, &stage.to_file()));
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    if text.is_empty() {
        return skip("PR_SET_DUMPABLE: strace may not trace");
    }
    assert!(output.status.success(), "{}", stderr(&output));
    let at = |piece: &str| text.lines().position(|line| line.contains(piece));
    let private = at("PR_SET_DUMPABLE, SUID_DUMP_DISABLE").expect("the call");
    let core = at("RLIMIT_CORE, {rlim_cur=0, rlim_max=0}").expect("the call");
    let read = at(key).expect("the key is opened");
    assert!(private < read && core < read, "{text}");
}

/// Every option of a command that takes a value, by its help.
fn options(command: &str) -> Vec<(String, String)> {
    let output = run({
        let mut help = unreel();
        help.args([command, "--help"]);
        help
    });
    let help = String::from_utf8(output.stdout).expect("text");
    let options = help.lines().filter_map(|line| {
        let (name, rest) = line.split_once("--")?.1.split_once(" <")?;
        let is_name = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let value = rest.split_once('>')?.0;
        is_name.then(|| (format!("--{name}"), value.to_owned()))
    });
    let mut options: Vec<_> = options.collect();
    options.sort();
    options.dedup();
    options
}

/// Whether a piece of 12 characters of `secret` is in what a run printed.
fn assert_not_repeated(secret: &str, output: &Output, what: &str) {
    let printed = [&output.stdout[..], &output.stderr].concat();
    let printed = latin1(&printed);
    let secret = latin1(secret.as_bytes());
    let characters: Vec<char> = secret.chars().collect();
    let length = characters.len().min(12);
    for piece in characters.chunks_exact(length) {
        let piece: String = piece.iter().collect();
        assert!(
            !printed.contains(&piece),
            "{what} repeats {piece:?}:\n{printed}"
        );
    }
    let code = output.status.code();
    assert!(
        code.is_some_and(|code| code != 0 && code < 100),
        "{what}: {code:?}"
    );
}

/// Secrets that are typed where something else belongs. The last two look like names.
fn typed() -> Vec<(&'static str, String)> {
    let pem = std::fs::read_to_string(fixture("keys/pkcs8.pem")).expect("a key");
    let text = std::fs::read(fixture("qvoice/config.json")).expect("a configuration");
    let answer: Value = serde_json::from_slice(&text).expect("JSON");
    let key = |name: &str| answer["config"]["historical_keys"][name].as_str();
    let der = std::fs::read(fixture("keys/pkcs8.der")).expect("a key");
    vec![
        ("a PEM text", pem.clone()),
        ("a PEM text on one line", pem.replace('\n', "\\n")),
        ("a PEM text behind a name", format!("KEY=\"{pem}\"")),
        ("the base64 of a PEM text", BASE64_STANDARD.encode(&pem)),
        ("the base64 of DER", BASE64_STANDARD.encode(der)),
        (
            "a Qvoice key in base64",
            answer["config"]["key"].as_str().expect("it").to_owned(),
        ),
        (
            "a Qvoice key in hexadecimal",
            key("1").expect("it").to_owned(),
        ),
        ("a Qvoice key of words", key("2").expect("it").to_owned()),
        ("a passphrase", PASSPHRASE.to_owned()),
    ]
}

const COMMANDS: &[&str] = &[
    "twilio-voice",
    "twilio-video",
    "vonage",
    "qvoice",
    "keygen",
    "inspect",
    "man",
    #[cfg(feature = "serve")]
    "serve",
];

#[test]
fn no_option_repeats_a_secret_that_stands_where_something_else_belongs() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = || {
        let mut command = unreel();
        command.current_dir(folder.path());
        command
    };
    let mut count = 0;
    for command in COMMANDS {
        for (option, value) in options(command) {
            for (kind, secret) in typed() {
                // What is made may be named so, and what is run is the user's.
                let named = matches!(value.as_str(), "DIR" | "NAME" | "COMMAND" | "BASE64")
                    || ["--output", "--report", "--profile"].contains(&option.as_str());
                if named && ["a passphrase", "a Qvoice key of words"].contains(&kind)
                    || option == "--subject"
                {
                    continue;
                }
                let what = format!("{command} {option} with {kind}");
                let mut run_it = here();
                run_it.args([command, "-vvv"]);
                // In turn apart from it and together: each option and each kind are in both.
                if count % 2 == 0 {
                    run_it.args([&option, &secret]);
                } else {
                    run_it.arg(format!("{option}={secret}"));
                }
                if option == "--salt-file" {
                    run_it.arg("--key-file=no.txt");
                }
                let output = run(run_it);
                assert_not_repeated(&secret, &output, &what);
                count += 1;
            }
        }
    }
    assert!(count > 300, "{count} runs");
}

#[test]
fn no_input_command_or_variable_repeats_a_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let details = fixture("twilio-voice/details.json");
    let key = fixture("keys/pkcs8.pem");
    for (kind, secret) in typed() {
        let started = |arguments: &[&str]| {
            let mut command = unreel();
            command.current_dir(folder.path()).args(arguments);
            command
        };
        let look = |command: Command, what: &str| {
            assert_not_repeated(&secret, &run(command), &format!("{what} with {kind}"));
        };
        look(started(&[&secret]), "a command");
        look(started(&["help", &secret]), "help");
        look(started(&["keygen", "-d", "keys", &secret]), "keygen");
        for form in [
            &["inspect", &secret][..],
            &["inspect", "--json", "-vvv", &secret, &secret],
        ] {
            look(started(form), "inspect");
        }
        for form in ["-k", "-m", "-o"] {
            if form == "-o" && ["a passphrase", "a Qvoice key of words"].contains(&kind) {
                continue;
            }
            look(
                started(&["twilio-voice", &format!("{form}{secret}"), "x.enc"]),
                form,
            );
        }
        for provider in ["twilio-voice", "twilio-video", "vonage"] {
            for inputs in [&[&secret][..], &[&secret, &secret]] {
                let mut command = started(&[provider, "--check", "--json", "-vvv", "-m"]);
                command
                    .arg(&details)
                    .arg("-k")
                    .arg(&key)
                    .arg("--")
                    .args(inputs);
                look(command, "INPUT");
            }
        }
        let mut command = started(&["qvoice", "--check", "--json", "-vvv", "--config"]);
        command.arg(fixture("qvoice/config.json")).arg(&secret);
        look(command, "INPUT of qvoice");
        for variable in ["UNREEL_KEY_FILE", "CREDENTIALS_DIRECTORY"] {
            let mut command = started(&["twilio-voice", "--check", "-m"]);
            command.arg(&details).arg(call()).env(variable, &secret);
            look(command, variable);
        }
        let mut command = Command::new("sh");
        command.args(["-c", "cat \"$0\" | \"$@\" | cat; exit 8"]);
        command.arg(call()).arg(env!("CARGO_BIN_EXE_unreel"));
        command
            .args(["twilio-voice", "-m"])
            .arg(&details)
            .arg("-k")
            .arg(&key);
        command.env("TMPDIR", &secret);
        let output = run(command);
        assert!(
            stderr(&output).contains("unreel: error: "),
            "{}",
            stderr(&output)
        );
        assert_not_repeated(&secret, &output, "TMPDIR");
    }
}

#[test]
fn a_key_where_its_file_belongs_is_said_to_be_that() {
    let folder = tempfile::tempdir().expect("a folder");
    let pem = std::fs::read_to_string(fixture("keys/pkcs8.pem")).expect("a key");
    let of_key = "was given the text of a key, not the name of a file";
    for (arguments, code, says) in [
        (
            &["twilio-voice", "x", &format!("--key={pem}")][..],
            5,
            of_key,
        ),
        (
            &["twilio-voice", "x", "-k", &pem],
            2,
            "one of the arguments is the text of a key",
        ),
        (&["inspect", "x", &format!("-k{pem}")], 5, of_key),
        (
            &["vonage", "x", &format!("--key-command={pem}")],
            5,
            "the text of a key, not a command",
        ),
        (
            &["keygen", "-d", "k", "--passphrase-file", "hunter2"],
            5,
            "cannot read the passphrase from `(a name that is not shown)`",
        ),
        (
            &["vonage", "x", "-m", PASSPHRASE],
            4,
            "--metadata names no file",
        ),
        (
            &["vonage", "x", "--passphrase-fd", "hunter2"],
            2,
            "it is not a whole number",
        ),
        (
            &["vonage", "--", &pem],
            3,
            "INPUT was given the text of a key",
        ),
    ] {
        let mut command = unreel();
        let output = run({
            command.current_dir(folder.path()).args(arguments);
            command
        });
        common::assert_refused(&output, code, says);
        assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
        assert!(
            stderr(&output).contains(says),
            "{says}: {}",
            stderr(&output)
        );
    }
}

/// The judge itself: each form of each secret is found.
#[test]
fn canaries_are_recognised() {
    let all = [canaries(), qvoice_canaries()];
    assert!(all[0].0.len() > 100 && all[1].0.len() > 50);
    let secrets = all.iter().flat_map(|canaries| {
        let of_these = canaries.0.iter();
        of_these.map(move |(name, secret)| (canaries, name, secret))
    });
    for (canaries, name, secret) in secrets {
        let secret: Vec<u8> = secret
            .chars()
            .map(|c| u8::try_from(c).expect("a byte"))
            .collect();
        let text = [b"unreel: error: ", secret.as_slice(), b"\n"].concat();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            canaries.assert_not_in(&text, "a message");
        }));
        assert!(caught.is_err(), "{name}");
    }
}
