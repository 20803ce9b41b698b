//! What the service says on standard error: its start, its reloads, and with `-vv` each request.

use std::collections::BTreeSet;

use crate::common::has;
use crate::common::logs::{block, messages, with_words};
use crate::link;
use crate::scene::{CALL, MONO, Scene};

#[test]
fn start_reload_and_what_is_not_played_are_lines_of_json() {
    let scene = Scene::new();
    scene.desk.write(&format!("calls/{MONO}.wav.enc"), [7; 400]);
    let served = scene.serve(&["--log-format", "json", "--audit-log", "log.jsonl"]);
    let (base, admin) = (served.base.clone(), served.admin.clone());
    served.reload();
    scene.desk.write("link_keys.txt", "no key");
    served.reload();
    assert_eq!(served.get(&link::path("media", MONO), &[]).status(), "502");
    let all = messages(&served.stop());
    let texts: Vec<_> = all
        .iter()
        .map(|it| it["message"].as_str().unwrap())
        .collect();
    let reloaded = "read keys and certificates again";
    assert_eq!(texts[0], format!("listening on {base}"));
    assert_eq!(all[0]["url"], base);
    assert_eq!(texts[1], format!("admin on {admin}"));
    assert_eq!(all[1]["url"], admin);
    assert_eq!(texts[2], reloaded);
    assert!(
        texts[3].starts_with("kept the link keys as before: "),
        "{}",
        texts[3]
    );
    assert_eq!(all[3]["level"], "warn");
    assert_eq!(texts[4], reloaded);
    let unplayed = format!("{MONO} was asked for, and not played: ");
    assert!(texts[5].starts_with(&unplayed), "{}", texts[5]);
    assert_eq!(all[5]["recording"], MONO);
    assert!(all.iter().all(|it| it["target"] == "unreel::serve"));
    assert_eq!(all.len(), 6);
}

#[test]
fn each_request_is_told_with_vv_under_an_id_of_its_own() {
    let scene = Scene::new();
    let served = scene.serve(&["--log-format", "json", "-vv"]);
    let link = served.link(CALL);
    let body = served.get(&link, &["Range: bytes=10-99"]).body;
    assert_eq!(body.len(), 90);
    assert_eq!(served.get("/media/forged", &[]).status(), "404");
    assert_eq!(served.ask("nobody", CALL).status(), "401");
    served.metrics();
    let all = messages(&served.stop());
    let answered: Vec<_> = with_words(&all, "answered")
        .into_iter()
        .filter(|it| it["target"] == "unreel::serve")
        .collect();
    let seen: Vec<_> = answered
        .iter()
        .map(|it| {
            (
                it["endpoint"].as_str().unwrap(),
                it["status"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("sec_rec", 200),
        ("media", 206),
        ("media", 404),
        ("sec_rec", 401),
        ("metrics", 200),
    ];
    assert_eq!(seen, expected);
    let ids: BTreeSet<_> = answered
        .iter()
        .map(|it| it["request"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), expected.len());
    for message in &answered {
        let connection = message["connection"].as_u64().unwrap();
        let id = message["request"].as_str().unwrap();
        assert_eq!(id, format!("{connection}.1"));
        assert_eq!(message["address"], "127.0.0.1");
        assert!(message["ms"].is_u64() && message["method"] == "GET");
    }
    assert_eq!(answered[0]["recording"], CALL);
    assert_eq!(answered[1]["recording"], CALL);
    assert!(answered[2].get("recording").is_none());
    let [sent] = with_words(&all, "sent")[..] else {
        panic!("{all:?}");
    };
    assert_eq!((&sent["first"], &sent["bytes"]), (&10.into(), &90.into()));
    assert_eq!(sent["request"], answered[1]["request"]);
    let [denied] = with_words(&all, "denied")[..] else {
        panic!("{all:?}");
    };
    assert_eq!(denied["request"], answered[3]["request"]);
    // Twilio is asked on behalf of a request, and that is told.
    let asked = all.iter().find(|it| it["target"] == "unreel::api").unwrap();
    assert_eq!(asked["request"], answered[0]["request"], "{asked}");
    let connected = with_words(&all, "connected");
    let admins = connected.iter().filter(|it| it["admin"] == true);
    assert_eq!((connected.len(), admins.count()), (5, 1));
    assert!(all.iter().all(|it| it["level"] != "trace"));
}

#[test]
fn the_filter_of_the_page_for_scripts_follows_one_request() {
    if !has("jq") {
        return;
    }
    let scene = Scene::new();
    let served = scene.serve(&["--log-format", "json", "-vv"]);
    served.link(CALL);
    served.link(MONO);
    let said = served.stop();
    let all = messages(&said);
    let asked = all.iter().find(|it| it["target"] == "unreel::api").unwrap();
    let id = asked["request"].as_str().unwrap();
    scene.desk.write("said", &said);
    let script = block("bash");
    assert!(script.contains("journalctl -u unreel -o cat") && script.contains("\"12.3\""));
    let script = script.replace("journalctl -u unreel -o cat", "cat said");
    let script = script.replace("12.3", id);
    let output = scene.desk.done(scene.desk.bash(&script));
    let found = messages(&String::from_utf8(output.stdout).unwrap());
    let targets: BTreeSet<_> = found
        .iter()
        .map(|it| it["target"].as_str().unwrap())
        .collect();
    assert_eq!(targets, ["unreel::api", "unreel::serve"].into());
    assert!(found.len() < all.len() && found.iter().all(|it| it["request"] == id));
}
