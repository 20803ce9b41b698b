//! Private keys and passphrases from everywhere that the flags and the environment allow.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "it is a test"
)]

use crate::common::{Desk, VOICE, digest_of, fixture, has, list, run_with, sha256, stderr, text};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

const TEST_KEY: &str = "8f0d415d7ef5af9e89171b89011f36f9327a1687d69815d86bbf9988041aa5cd";
const OTHER_KEY: &str = "5a0ae1ab40c9b1aaba0c970d5f9e67384f530e5e2279439923d50ebf9739efdb";
const OTHER: &str = "RE5eed0000000000000000000000000002";

/// Makes `rewrapped.json`, the desk's metadata for the holder of another key.
fn rewrap(desk: &Desk, key: &str) {
    let mut meta: Value = serde_json::from_slice(&desk.read("meta.json")).unwrap();
    let wrapped = BASE64_STANDARD.decode(text(&meta["encryption_details"], "encrypted_cek"));
    desk.write("wrapped", wrapped.unwrap());
    let oaep = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256";
    desk.done(desk.bash(&format!(
        "openssl pkeyutl -decrypt -inkey key.pem {oaep} -in wrapped |
         openssl pkeyutl -encrypt -inkey '{}' {oaep} -out wrapped.new",
        fixture(key).display()
    )));
    let wrapped = BASE64_STANDARD.encode(desk.read("wrapped.new"));
    meta["encryption_details"]["encrypted_cek"] = wrapped.into();
    desk.write("rewrapped.json", meta.to_string());
}

#[test]
fn every_key_file_opens_a_recording_or_is_refused_with_a_reason() {
    let keys = list("keys");
    assert!(keys.len() >= 38);
    let openssl = has("openssl");
    for key in keys {
        let file = text(&key, "file");
        let desk = Desk::new();
        desk.bring(&format!("twilio-voice/{OTHER}.wav.enc"), "other.enc");
        desk.bring("twilio-voice/recording-other-key.json", "other.json");
        let run = |arguments: &str| {
            let mut command = desk.unreel(&format!("twilio-voice -o out.wav {arguments} -k"));
            command.arg(fixture(file)).arg("--no-input");
            if let Some(path) = key["passphrase_file"].as_str() {
                command.arg("--passphrase-file").arg(fixture(path));
            }
            command
        };
        if let Some(exit) = key["exit"].as_i64() {
            let exit = i32::try_from(exit).unwrap();
            desk.refused(run("-m meta.json call.enc"), exit, &[]);
            continue;
        }
        for fingerprint in key["fingerprints"].as_array().unwrap() {
            let (arguments, id) = match fingerprint.as_str().unwrap() {
                TEST_KEY => ("-m meta.json call.enc", VOICE),
                OTHER_KEY => ("-m other.json other.enc", OTHER),
                _ if openssl => {
                    rewrap(&desk, file);
                    ("-m rewrapped.json call.enc", VOICE)
                }
                _ => continue,
            };
            let output = desk.done(run(&format!("{arguments} -f --json")));
            assert_eq!(sha256(&desk.read("out.wav")), digest_of(id), "{file}");
            let line: Value = serde_json::from_slice(&output.stdout).unwrap();
            let expected = format!("sha256:{}", fingerprint.as_str().unwrap());
            assert_eq!(line["key_fingerprint"], expected, "{file}");
        }
    }
}

#[test]
fn a_passphrase_comes_from_a_file_a_descriptor_or_the_environment() {
    let desk = Desk::new();
    desk.bring("keys/pbes2-des3-sha1.pem", "locked.pem");
    desk.bring("keys/passphrase.txt", "pass.txt");
    desk.bring("keys/passphrase-crlf.txt", "crlf.txt");
    let phrase = String::from_utf8(desk.read("pass.txt"))
        .unwrap()
        .trim_end()
        .to_owned();
    desk.write("bare.txt", &phrase);
    let locked = "twilio-voice -m meta.json -k locked.pem call.enc -o out.wav";
    for file in ["pass.txt", "crlf.txt", "bare.txt"] {
        desk.opens(desk.unreel(&format!("{locked} --passphrase-file {file}")));
    }
    let script = |how: &str| desk.bash(&format!("\"$UNREEL\" {locked} {how}"));
    desk.opens(script("--passphrase-fd 3 3< pass.txt"));
    desk.opens(script("--passphrase-fd 3 3< <(cat pass.txt)"));
    desk.opens(script("--passphrase-fd 0 < pass.txt"));
    desk.opens(script("--passphrase-file <(cat pass.txt)"));
    desk.opens(script("--passphrase-file - < crlf.txt"));
    let mut command = desk.unreel(locked);
    command.env("UNREEL_PASSPHRASE", &phrase);
    desk.opens(command);
    // The flag goes before the environment.
    let mut command = desk.unreel(&format!("{locked} --passphrase-file pass.txt"));
    command.env("UNREEL_PASSPHRASE", "wrong");
    desk.opens(command);
}

#[test]
fn a_wrong_or_missing_passphrase_is_refused_at_once() {
    let desk = Desk::new();
    desk.bring("keys/legacy-des3.pem", "locked.pem");
    desk.bring("keys/wrong-passphrase.txt", "wrong.txt");
    desk.write("empty.txt", "");
    let locked = "twilio-voice -m meta.json -k locked.pem call.enc -o out.wav";
    for file in ["wrong.txt", "empty.txt"] {
        let command = desk.unreel(&format!("{locked} --passphrase-file {file}"));
        desk.refused(
            command,
            5,
            &["`locked.pem`", "passphrase", "check the passphrase"],
        );
    }
    let command = desk.unreel(&format!("{locked} --passphrase-file missing.txt"));
    desk.refused(
        command,
        5,
        &["cannot read the passphrase from `missing.txt`"],
    );
    let command = desk.bash(&format!("\"$UNREEL\" {locked} --passphrase-fd 9 9>&-"));
    desk.refused(
        command,
        5,
        &["cannot read the passphrase from `file descriptor 9`"],
    );

    let says = [
        "the private key `locked.pem` is encrypted, and no passphrase was given",
        "--passphrase-file PATH, --passphrase-fd N or UNREEL_PASSPHRASE",
    ];
    desk.refused(desk.unreel(&format!("{locked} --no-input")), 5, &says);
    let mut command = desk.unreel(&format!("{locked} --no-input"));
    command.env("UNREEL_PASSPHRASE", "");
    desk.refused(command, 5, &says);
    // Without a terminal there is nobody to ask, and nothing to wait for.
    if has("setsid") {
        desk.refused(
            desk.bash(&format!("exec setsid -w \"$UNREEL\" {locked}")),
            5,
            &says,
        );
    }
}

#[test]
fn a_key_comes_from_a_file_a_pipe_a_command_or_the_environment() {
    let desk = Desk::new();
    desk.bring("keys/other.pem", "other.pem");
    desk.bring("keys/pkcs8.pem", "creds/unreel-key");
    let voice = "twilio-voice -m meta.json call.enc -o out.wav";
    let before = desk.contents();
    let output = run_with(desk.unreel(&format!("{voice} -k -")), &desk.read("key.pem"));
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(sha256(&desk.read("out.wav")), digest_of(VOICE));
    std::fs::remove_file(desk.path("out.wav")).unwrap();
    let output = run_with(desk.unreel(&format!("{voice} -k -")), b"");
    desk.was_refused(
        "-k - with nothing",
        &output,
        5,
        &["`standard input`"],
        &before,
    );

    let said = desk.opens(desk.bash(&format!("\"$UNREEL\" {voice} -k <(cat key.pem)")));
    assert!(!said.contains("warning"), "{said}");
    desk.opens(desk.bash(&format!("\"$UNREEL\" {voice} -k other.pem -k key.pem")));
    let with = |name: &str, value: &str, arguments: &str| {
        let mut command = desk.unreel(&format!("{voice} {arguments}"));
        command.env(name, value);
        command
    };
    desk.opens(with("UNREEL_KEY_FILE", "key.pem", ""));
    desk.opens(with("CREDENTIALS_DIRECTORY", "creds", ""));
    desk.opens(with("CREDENTIALS_DIRECTORY", "creds", "-q"));
    let mut command = with("CREDENTIALS_DIRECTORY", "creds", "");
    command.env("UNREEL_KEY_FILE", "");
    desk.opens(command);
    // -k goes before UNREEL_KEY_FILE, and that before the credential.
    desk.opens(with("UNREEL_KEY_FILE", "missing.pem", "-k key.pem"));
    desk.refused(with("UNREEL_KEY_FILE", "other.pem", ""), 6, &[]);
    let mut command = with("CREDENTIALS_DIRECTORY", "creds", "");
    command.env("UNREEL_KEY_FILE", "other.pem");
    desk.refused(command, 6, &["`other.pem`"]);
    let missing = ["cannot read the private key `missing.pem`", "No such file"];
    desk.refused(with("UNREEL_KEY_FILE", "missing.pem", ""), 5, &missing);
    let none = [
        "no private key was given",
        "-k PATH, or set UNREEL_KEY_FILE",
    ];
    desk.refused(desk.unreel(voice), 5, &none);
    desk.refused(with("CREDENTIALS_DIRECTORY", "nowhere", ""), 5, &none);
}

#[test]
fn commands_give_the_key_or_the_unwrapped_key() {
    let desk = Desk::new();
    let run = |flag: &str, command: &str| {
        let mut unreel = desk.unreel("twilio-voice -m meta.json call.enc -o out.wav");
        unreel.arg(flag).arg(command);
        unreel
    };
    desk.opens(run("--key-command", "cat key.pem"));
    let mut both = run("--key-command", "cat key.pem");
    both.args(["-k".as_ref(), fixture("keys/other.pem").as_os_str()]);
    desk.opens(both);
    for (flag, command, says) in [
        ("--key-command", "exit 3", "it ended with exit status: 3"),
        (
            "--key-command",
            "cat key.pem; exit 3",
            "it ended with exit status: 3",
        ),
        (
            "--key-command",
            "no-such-program-5eed",
            "it ended with exit status: 127",
        ),
        (
            "--key-command",
            "true",
            "cannot use the private key `--key-command`",
        ),
        (
            "--key-command",
            "echo hello",
            "cannot use the private key `--key-command`",
        ),
        ("--unwrap-command", "exit 3", "it ended with exit status: 3"),
        ("--unwrap-command", "kill -TERM $$", "signal: 15"),
        ("--unwrap-command", "true", "is not a content key"),
        ("--unwrap-command", "cat", "is not a content key"),
        ("--unwrap-command", "head -c 31", "is not a content key"),
    ] {
        let text = desk.refused(run(flag, command), 5, &[says]);
        assert!(text.contains(flag), "{text}");
    }
    // Right in form, wrong in content.
    desk.refused(run("--unwrap-command", "head -c 32"), 7, &[]);
}

#[test]
fn openssl_unwraps_for_each_provider() {
    if !has("openssl") {
        return;
    }
    let oaep = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:";
    for (provider, media, metadata, algorithm, options) in [
        (
            "twilio-voice",
            format!("{VOICE}.wav.enc"),
            "recording.json",
            "rsa-oaep-sha256",
            format!("{oaep}sha256"),
        ),
        (
            "twilio-video",
            "RT5eed0000000000000000000000000001.mka.enc".to_owned(),
            "wget.txt",
            "rsa-pkcs1-v1_5",
            String::new(),
        ),
        (
            "vonage",
            "5eed0000-0000-4000-8000-000000000001.ts.enc".to_owned(),
            "archive-1.json",
            "rsa-oaep-sha1",
            format!("{oaep}sha1"),
        ),
    ] {
        let desk = Desk::new();
        desk.bring(&format!("{provider}/{media}"), &media);
        desk.bring(&format!("{provider}/{metadata}"), "metadata");
        let mut command = desk.unreel(&format!("{provider} -m metadata {media} -o out --json"));
        command.arg("--unwrap-command").arg(format!(
            "echo \"$UNREEL_WRAP_ALGORITHM $UNREEL_KEY_ID\" > seen &&
             openssl pkeyutl -decrypt -inkey key.pem {options}"
        ));
        let line = desk.done(command).stdout;
        let line: Value = serde_json::from_slice(&line).unwrap();
        let id = media.split('.').next().unwrap();
        assert_eq!(sha256(&desk.read("out")), digest_of(id), "{provider}");
        assert_eq!(line["wrap"], algorithm);
        let seen = String::from_utf8(desk.read("seen")).unwrap();
        let key_id = line["key_id"].as_str().unwrap_or_default();
        assert_eq!(seen, format!("{algorithm} {key_id}\n"));
    }
}

/// Makes the test key `name` in a notation of others.
fn make_foreign(desk: &Desk, notation: &str, name: &str) {
    desk.bring("keys/passphrase.txt", "pass");
    desk.bring("keys/certificate.pem", "cert");
    let phrase = String::from_utf8(desk.read("pass")).unwrap();
    desk.write("phrase", phrase.trim_end());
    if notation == "XML" {
        use rsa::pkcs1::RsaPrivateKeyRef;
        use rsa::pkcs1::der::Decode;
        desk.done(desk.bash("openssl rsa -in key.pem -traditional -outform DER -out der"));
        let der = desk.read("der");
        let key = RsaPrivateKeyRef::from_der(&der).unwrap();
        let members = [
            ("Modulus", key.modulus),
            ("Exponent", key.public_exponent),
            ("P", key.prime1),
            ("Q", key.prime2),
            ("DP", key.exponent1),
            ("DQ", key.exponent2),
            ("InverseQ", key.coefficient),
            ("D", key.private_exponent),
        ];
        let members = members.map(|(name, number)| {
            let number = BASE64_STANDARD.encode(number.as_bytes());
            format!("  <{name}>{number}</{name}>\r\n")
        });
        let xml = format!("<RSAKeyValue>\r\n{}</RSAKeyValue>\r\n", members.concat());
        desk.write(name, xml);
        return;
    }
    let p12 = "openssl pkcs12 -export -inkey key.pem -in cert -passout file:phrase";
    let command = match notation {
        "PuTTY" => "openssl rsa -in key.pem -traditional -out t && chmod 600 t && \
                    puttygen t -O private -o made"
            .to_owned(),
        "PuTTY, encrypted" => "openssl rsa -in key.pem -traditional -out t && chmod 600 t && \
                               puttygen t -O private -o made --new-passphrase phrase"
            .to_owned(),
        "MSBLOB" => "openssl rsa -in key.pem -outform MSBLOB -out made".to_owned(),
        "PVK" => "openssl rsa -in key.pem -outform PVK -pvk-none -out made".to_owned(),
        "PVK, encrypted" => "openssl rsa -provider legacy -provider default -in key.pem \
                             -outform PVK -pvk-strong -passout file:phrase -out made"
            .to_owned(),
        "PKCS#12 of Windows" => format!("{p12} -legacy -out made"),
        "PKCS#12 in base64" => format!("{p12} | base64 > made"),
        "PKCS#12 in a document" => {
            format!("printf 'data:\\n  key.p12: %s\\n' \"$({p12} | base64 -w0)\" > made")
        }
        other => panic!("{other}"),
    };
    desk.done(desk.bash(&command));
    std::fs::rename(desk.path("made"), desk.path(name)).unwrap();
}

/// The hint's command, run as it stands, gives a key that opens the recording.
#[test]
fn a_refused_encoding_comes_with_the_command_that_converts_it() {
    if !has("openssl") {
        return;
    }
    for (file, tool) in [
        ("keys/pbes1.pem", "openssl"),
        ("keys/pkcs12.p12", "openssl"),
        ("keys/openssh.pem", "ssh-keygen"),
        ("PuTTY", "puttygen"),
        ("PuTTY, encrypted", "puttygen"),
        ("MSBLOB", "openssl"),
        ("PVK", "openssl"),
        ("PVK, encrypted", "openssl"),
        ("PKCS#12 of Windows", "openssl"),
        ("PKCS#12 in base64", "openssl"),
        ("PKCS#12 in a document", "openssl"),
        ("XML", "sed"),
    ] {
        if !has(tool) {
            continue;
        }
        let desk = Desk::new();
        let name = "my 'old' key";
        if file.starts_with("keys/") {
            desk.bring(file, name);
        } else {
            make_foreign(&desk, file, name);
        }
        desk.bring("keys/passphrase.txt", "pass.txt");
        desk.bring("keys/passphrase.txt", "again.txt");
        let phrase = String::from_utf8(desk.read("pass.txt")).unwrap();
        desk.write("bare.txt", phrase.trim_end());
        let mut command =
            desk.unreel("twilio-voice -m meta.json call.enc -o out.wav --no-input -k");
        command.arg(name);
        let said = desk.refused(command, 5, &["is not supported", "convert it: ", tool]);
        let (_, hint) = said.split_once("convert it: ").unwrap();
        let (convert, then) = hint.trim_end().split_once(", then -k ").unwrap();
        assert_eq!(then, "key.pem", "{hint}");
        std::fs::remove_file(desk.path("key.pem")).unwrap();
        // The passphrases that the tools would ask for.
        let asked = match tool {
            "ssh-keygen" => convert.replace("-f key.pem", "-f key.pem -P '' -N ''"),
            "puttygen" => format!("{convert} --old-passphrase bare.txt"),
            "sed" => convert.to_owned(),
            _ if convert.contains("openssl rsa -inform") => {
                format!("{convert} -passin file:pass.txt")
            }
            _ => format!("{convert} -passin file:pass.txt -passout file:again.txt"),
        };
        let output = desk.bash(&asked).output().unwrap();
        assert!(output.status.success(), "{asked}\n{}", stderr(&output));
        desk.opens(desk.voice("call.enc -o out.wav --passphrase-file pass.txt"));
    }
}

/// Neither in the environment nor as a descriptor.
#[test]
fn commands_do_not_inherit_the_passphrase() {
    let desk = Desk::new();
    desk.write("pass.txt", "open-sesame");
    for option in ["--key-command", "--unwrap-command"] {
        for passphrase in ["", "--passphrase-fd 3 3<pass.txt"] {
            let script = format!(
                "export UNREEL_PASSPHRASE=open-sesame VAULT_TOKEN=kept
                 exec \"$UNREEL\" twilio-voice -m meta.json call.enc -o out.wav {passphrase} \
                 {option} 'env >&2; cat <&3 >&2; false'"
            );
            let said = desk.refused(desk.bash(&script), 5, &["VAULT_TOKEN=kept"]);
            assert!(!said.contains("open-sesame"), "{said}");
        }
    }
}

/// The descriptor itself, not the file that it is open on, or what has its name by now.
#[test]
fn a_passphrase_is_read_from_where_its_descriptor_stands() {
    let desk = Desk::new();
    desk.bring("keys/legacy-aes128.pem", "locked.pem");
    let phrase = std::fs::read(fixture("keys/passphrase.txt")).unwrap();
    desk.write("two.txt", [b"the first line\n", phrase.as_slice()].concat());
    let voice = "\"$UNREEL\" twilio-voice -m meta.json -k locked.pem call.enc -o out.wav";
    let strace = "strace -f -qq -o /dev/null -e inject=pidfd_getfd:error=EPERM";
    let mut scripts = vec![
        format!("exec 3<two.txt; read -r -u 3 line; exec {voice} --passphrase-fd 3"),
        format!("exec 9<two.txt; read -r -u 9 line; rm two.txt; exec {voice} --passphrase-fd 9"),
        format!("exec 12< <(tail -n 1 two.txt); exec {voice} --passphrase-fd 12"),
        format!("tail -n 1 two.txt | {voice} --passphrase-fd 0"),
    ];
    if has("strace") {
        // A system that does not give it out.
        scripts.push(format!(
            "exec 3<two.txt; read -r -u 3 line; exec {strace} {voice} --passphrase-fd 3"
        ));
    }
    let two = desk.read("two.txt");
    for script in scripts {
        desk.opens(desk.bash(&script));
        desk.write("two.txt", &two);
    }
    for fd in ["3", "7", "4294967295"] {
        let script = format!("exec {voice} --passphrase-fd {fd}");
        let says = [&format!("cannot read the passphrase from `file descriptor {fd}`") as &str];
        desk.refused(desk.bash(&script), 5, &says);
    }
}

/// What `sudo -u recorder unreel … 3</root/passphrase` is for.
#[test]
fn a_descriptor_is_read_that_another_user_opened() {
    let desk = Desk::new();
    let nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups";
    let mut probe = desk.bash(&format!(
        "chmod 711 . && cp \"$UNREEL\" . && {nobody} ./unreel -V"
    ));
    if !probe.output().is_ok_and(|output| output.status.success()) {
        return crate::common::skip("a descriptor of another user's: only root can hand one over");
    }
    desk.write("pass.txt", "open-sesame");
    desk.write("made/of", "");
    let keygen =
        format!("chmod 777 made; {nobody} ./unreel keygen -d made --passphrase-fd 3 3<pass.txt");
    desk.done(desk.bash(&keygen));
    assert!(
        desk.read("made/private_key.pem")
            .starts_with(b"-----BEGIN ENCRYPTED")
    );
}

#[test]
fn a_dash_is_standard_input_though_a_folder_has_that_name() {
    let desk = Desk::new();
    desk.bring("keys/other.pem", "-/other.pem");
    let voice = "\"$UNREEL\" twilio-voice call.enc -o out.wav";
    desk.opens(desk.bash(&format!("{voice} -m meta.json -k - < key.pem")));
    desk.opens(desk.bash(&format!("{voice} -m - -k key.pem < meta.json")));
}

#[test]
fn a_key_is_read_as_it_was_passed_on_and_v_says_how() {
    let desk = Desk::new();
    let pem = String::from_utf8(desk.read("key.pem")).unwrap();
    let written_out = pem.replace('\n', "\\n");
    for (name, text, says) in [
        (
            "key.env",
            format!("PRIVATE_KEY=\"{written_out}\""),
            "put PEM together",
        ),
        (
            "key.json",
            format!("{{\"private_key\": \"{written_out}\"}}"),
            "put PEM together",
        ),
        (
            "secret.yaml",
            format!("data:\n  key.pem: {}\n", BASE64_STANDARD.encode(&pem)),
            "decoded base64",
        ),
    ] {
        desk.write(name, text);
        desk.done(desk.bash(&format!("chmod 600 {name}")));
        let voice = format!("twilio-voice -m meta.json call.enc -o out.wav -k {name}");
        let said = desk.opens(desk.unreel(&format!("{voice} -v")));
        assert!(
            said.contains(&format!("to read the key `{name}`, {says}")),
            "{said}"
        );
        let said = desk.opens(desk.unreel(&voice));
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn a_damaged_key_is_named_by_its_line() {
    let desk = Desk::new();
    let pem = String::from_utf8(desk.read("key.pem")).unwrap();
    let line = pem.lines().nth(4).unwrap();
    for (damage, problem) in [("###", "this is not base64"), ("…", "this is not ASCII")] {
        desk.write("key.pem", pem.replace(line, damage));
        let says = ["damaged in line 5", problem, "sed -n 5p 'key.pem' | cat -v"];
        desk.refused(desk.voice("call.enc -o out.wav"), 5, &says);
    }
}
