//! INPUT: which of its forms an argument is.

use super::{
    ARCHIVE, ARCHIVE_OF_OPENTOK, CA, CJ, Net, RE, RE_OTHER, RM, RT, Ran, SESSION, outcomes,
};
use crate::common::{digest_of, fixture, run_with, sha256};

#[test]
fn a_dash_is_standard_input_and_what_is_found_is_a_file() {
    let net = Net::new();
    let media = std::fs::read(net.desk.path("call.enc")).unwrap();
    for arguments in ["-", ""] {
        let command = net.command(&format!(
            "twilio-voice -m meta.json -k key.pem --check --json {arguments}"
        ));
        let output = run_with(command, &media);
        let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&line["ok"], &line["source"]),
            (&true.into(), &"stdin".into())
        );
    }
    let line = net
        .ends(0, "twilio-voice -m meta.json $ --check --json call.enc")
        .line();
    assert_eq!(line["source"], "file");
    assert!(line.get("attempts").is_none() && line.get("created").is_none());
    assert!(net.fake.requests().is_empty());
}

#[test]
fn what_is_no_place_in_a_bucket_is_refused() {
    let net = Net::new();
    for (url, shown) in [
        ("s3://b//RE1.wav", "s3://b//RE1.wav"),
        ("az://c/a/../b", "az://c/a/../b"),
        ("gs:///o", "gs:///o"),
        ("S3://AKIA:hush@b/k", "s3://b/k"),
        ("s3://b/k?X-Amz-Signature=hush", "s3://b/k"),
        ("s3://b?X-Amz-Signature=hush/k", "s3://b/k"),
    ] {
        let ran = net.refuses(2, &format!("twilio-voice $ -d out {url}"), &[shown]);
        ran.says_nothing_of(&["hush"]);
    }
    // Nobody is asked where nothing lets us in.
    for url in ["s3://b/k", "az://c/b"] {
        let command = format!("twilio-voice $ -d out {url}");
        net.refuses(2, &command, &["there are no credentials for", "looked for"]);
    }
}

#[test]
fn a_file_named_like_an_id_wins() {
    let net = Net::new();
    std::fs::rename(net.desk.path("call.enc"), net.desk.path(RE)).unwrap();
    let ran = net.ends(0, &format!("twilio-voice -v $ -m meta.json -d out {RE}"));
    ran.says(&[&format!("`{RE}` is read as a file")]);
    assert!(net.fake.requests().is_empty());
    let ran = net.ends(0, &format!("twilio-voice $ -m meta.json -d out2 {RE}"));
    ran.says_nothing_of(&["read as a file"]);
}

#[test]
fn the_id_of_another_command_is_exit_2_and_the_hint_is_the_command() {
    let net = Net::new();
    for (command, id, right) in [
        ("twilio-voice", RT, "twilio-video"),
        ("twilio-voice", CJ, "twilio-video"),
        ("twilio-voice", RM, "twilio-video"),
        ("twilio-voice", ARCHIVE, "vonage"),
        ("twilio-voice", SESSION, "vonage"),
        ("twilio-video", RE, "twilio-voice"),
        ("twilio-video", CA, "twilio-voice"),
        ("vonage", RE, "twilio-voice"),
        ("vonage", RM, "twilio-video"),
    ] {
        let hint = format!("unreel {right} {id}");
        net.refuses(2, &format!("{command} $ -d out {id}"), &[&hint]);
    }
    for id in [RE, RT, ARCHIVE, SESSION, CA] {
        net.refuses(
            2,
            &format!("qvoice --config c.json -d out {id}"),
            &[id, "unreel "],
        );
    }
}

#[test]
fn anything_else_is_a_missing_file() {
    let net = Net::new();
    let forms = ["RE", "CA", "RT", "UUID", "2_MX", "https://"];
    for command in ["twilio-voice", "twilio-video", "vonage", "decrypt"] {
        for id in [
            &RE[..33],
            "RE5eed00000000000000000000000000012",
            "re5eed0000000000000000000000000001",
            "RT5eed000000000000000000000000000g",
            "5eed0000-0000-4000-8000-00000000000",
        ] {
            net.refuses(3, &format!("{command} $ -d out {id}"), &forms);
        }
        net.refuses(
            3,
            &format!("{command} $ -d out gone.wav.enc"),
            &["gone.wav.enc"],
        );
    }
    net.refuses(
        3,
        &format!("twilio-voice $ -m meta.json -d out {}", &RE[..33]),
        &forms,
    );
    net.refuses(
        3,
        &format!("twilio-voice $ -d out {}", &RE[..33]),
        &[&RE[..33]],
    );
    net.refuses(3, &format!("inspect {}", &RE[..33]), &forms);
    // Not a name, as things are, that a message may repeat.
    let ran = net.refuses(
        3,
        "twilio-voice $ -d out CA5eed000000000000000000000000001",
        &forms,
    );
    ran.says_nothing_of(&["CA5eed000000"]);
}

#[test]
fn hexadecimal_is_in_either_case() {
    let net = Net::new();
    let upper = |id: &str| format!("{}{}", &id[..2], id[2..].to_uppercase());
    for (command, id, file) in [
        ("twilio-voice", upper(RE), format!("{RE}.wav")),
        ("twilio-video", upper(RT), format!("{RT}.mka")),
        ("vonage", ARCHIVE.to_uppercase(), format!("{ARCHIVE}.ts")),
    ] {
        let line = net
            .ends(0, &format!("{command} $ -d out --json {id}"))
            .line();
        // The file has the name that the provider gives the recording.
        assert_eq!(line["output"], format!("out/{file}"));
    }
}

#[test]
fn an_id_that_is_unknown_as_it_is_given_is_asked_for_as_providers_write_it() {
    let net = Net::new();
    let upper = |id: &str| format!("{}{}", &id[..2], id[2..].to_uppercase());
    for (command, id, file) in [
        ("twilio-voice", upper(RE), format!("{RE}.wav")),
        ("twilio-video", upper(RT), format!("{RT}.mka")),
        ("vonage", ARCHIVE.to_uppercase(), format!("{ARCHIVE}.ts")),
    ] {
        net.fake.fault(&id, crate::fake::Fault::status(404), 9);
        let line = net
            .ends(0, &format!("{command} $ -d out --json {id}"))
            .line();
        assert_eq!(line["output"], format!("out/{file}"));
    }
    // Of a group it is the only form asked for.
    for (command, id) in [("twilio-voice", CA), ("twilio-video", RM)] {
        let line = format!("{command} --metadata-only -d {id} {}", upper(id));
        net.ends(0, &line);
        let path = format!("/{id}/Recordings");
        let asked = net.fake.requests();
        assert!(asked.iter().any(|seen| seen.request.path().contains(&path)));
    }
}

#[test]
fn each_command_fetches_ids_of_its_provider() {
    let net = Net::new();
    for (command, id, file) in [
        ("twilio-voice", RE, "wav"),
        ("twilio-video", RT, "mka"),
        ("twilio-video", "RT5eed0000000000000000000000000002", "mkv"),
        ("twilio-video", CJ, "mp4"),
        ("twilio-video", "CJ5eed0000000000000000000000000002", "webm"),
        ("vonage", ARCHIVE, "ts"),
        ("vonage", ARCHIVE_OF_OPENTOK, "ts"),
    ] {
        let ran = net.ends(0, &format!("{command} $ -d out {id}"));
        ran.says(&["verified: "]);
        net.is_opened(&format!("out/{id}.{file}"), id);
    }
}

#[test]
fn decrypt_takes_any_id_and_a_mix() {
    let net = Net::new();
    let ids = [RE, RT, CJ, ARCHIVE, ARCHIVE_OF_OPENTOK];
    let ran = net.ends(0, &format!("decrypt $ -d out --json {}", ids.join(" ")));
    assert_eq!(ran.outcomes(), outcomes(&ids.map(|id| (id, "done"))));
    ran.says(&["5 decrypted, 0 skipped, 0 failed"]);
    net.ends(2, &format!("decrypt $ -o out.wav {RE} {RT}"));
}

#[test]
fn metadata_that_is_given_counts_for_its_own_recording() {
    let net = Net::new();
    // The metadata of one, in a group: of the others the provider says it.
    let ran = net.ends(
        0,
        &format!("twilio-voice $ -k other.pem -m meta.json -d out --json {CA}"),
    );
    let mut all: Vec<_> = ran.outcomes().into_values().collect();
    all.sort();
    assert_eq!(all, ["done", "done", "done", "not_encrypted"]);
    net.is_opened(&format!("out/{RE_OTHER}.wav"), RE_OTHER);
    // Without an id in it, it is the recording's that is named.
    net.desk.bring("twilio-voice/details.json", "details.json");
    net.ends(0, &format!("twilio-voice $ -m details.json -d out2 {RE}"));
    net.ends(
        7,
        &format!("twilio-voice $ -m details.json -d out2 {RE_OTHER}"),
    );
}

#[test]
fn a_mix_of_groups_and_files_is_each_for_itself() {
    let net = Net::new();
    net.desk.bring("twilio-voice/recording.json", "call.json");
    let ran = net.ends(
        10,
        &format!("decrypt -k key.pem -k other.pem -d out --json {CA} {RM} {SESSION} call.enc"),
    );
    let lines = ran.lines();
    // The file is of a recording of the call's, and comes second.
    assert_eq!(lines.len(), 4 + 4 + 6);
    ran.says(&["input", "12 decrypted, 1 skipped, 2 failed"]);
}

#[test]
fn qvoice_takes_files_and_urls() {
    let net = Net::new();
    net.desk.bring("qvoice/config.json", "config.json");
    let bytes = std::fs::read(fixture("qvoice/rec5eed0001.enc")).unwrap();
    let url = net.fake.put("/q/rec5eed0001.enc", bytes, &[], false);
    net.desk.bring("qvoice/rec5eed0001.json", "meta-q.json");
    let ran = net.ends(
        0,
        &format!("qvoice --config config.json -m meta-q.json -d out --json {url}"),
    );
    assert_eq!(ran.line()["source"], "url");
    ran.says_nothing_of(&["X-Amz-Signature="]);
}

#[test]
fn nothing_is_asked_where_all_inputs_are_files() {
    let net = Net::new();
    let mut command = net
        .desk
        .unreel("twilio-voice -m meta.json -k key.pem -d out call.enc");
    // Credentials that would be refused are nobody's business.
    command
        .env("TWILIO_ACCOUNT_SID", "nonsense")
        .env("TWILIO_AUTH_TOKEN", "x");
    Ran::of(command).ended(0, "a file");
    let line = net
        .ends(0, &format!("twilio-voice $ -d out2 --json {RE}"))
        .line();
    assert_eq!(
        sha256(&net.desk.read(&format!("out2/{RE}.wav"))),
        digest_of(RE)
    );
    assert_eq!(line["attempts"], 1);
    net.ends(6, &format!("twilio-voice $ -d out2 {RE_OTHER}"));
}
