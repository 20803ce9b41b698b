//! `docs/playback.md` and the README's command for playback: what they say to write and to run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use toml::Table;

use crate::blocks::block_with;
use crate::common::{self, Desk};
use crate::docs::blocks;
use crate::fake::{ACCOUNT, API_KEY, API_SECRET, Fake, FlexUser, flex_token, send};

const PAGE: &str = "docs/playback.md";

/// The only block of the page with this behind its fence.
fn block(info: &str) -> String {
    block_with(PAGE, info, "")
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn the_command_of_the_readme_prints_links_to_pages_that_play() {
    let desk = Desk::of_documents();
    let readme = include_str!("../../README.md");
    let mut commands = blocks(readme)
        .into_iter()
        .filter(|(info, body)| info == "sh" && body.contains(" serve "));
    let (_, command) = commands.next().unwrap();
    assert!(commands.next().is_none(), "there is one");
    let command = command.strip_prefix("cargo run --release -- ").unwrap();
    let mut child = desk
        .unreel(command)
        // Others may have the usual port.
        .env("UNREEL_SERVE_LISTEN", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut running = Running(child);
    // Those of fixtures/playback.
    let links: Vec<_> = lines.take(5).map(Result::unwrap).collect();
    for link in links {
        let (id, url) = link.split_once("  ").unwrap();
        let page = send("GET", url, &[], b"");
        assert_eq!(page.status(), "200", "{link}");
        assert!(page.text().contains(id), "{link}");
        let media = page.text();
        let media = media.split("\"../").nth(1).unwrap();
        let media = media.split('"').next().unwrap();
        let base = url.split("/listen/").next().unwrap();
        let media = send("GET", &format!("{base}/{media}"), &[], b"");
        assert_eq!(media.status(), "200", "{link}");
        assert!(media.whole().is_some_and(|bytes| bytes.len() > 1000));
    }
    let kill = Command::new("kill")
        .args(["-INT", &running.0.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert!(running.0.wait().unwrap().success());
}

#[test]
fn the_settings_of_the_page_are_taken_as_they_stand() {
    let desk = Desk::new();
    let said: Table = block("toml").parse().unwrap();
    assert!(said.len() > 5);
    desk.write("serve.toml", block("toml"));
    let printed = desk.done(desk.unreel("serve --config serve.toml --print-config"));
    let printed: Table = String::from_utf8(printed.stdout).unwrap().parse().unwrap();
    for (name, value) in said {
        assert_eq!(printed.get(&name), Some(&value), "{name}");
    }
}

#[test]
fn the_rule_of_the_page_allows_supervisors_and_the_agent_of_the_call() {
    let desk = Desk::new();
    if !common::has("jq") {
        return;
    }
    let calls = desk.path("calls-of");
    let rule = block("sh").replace("/srv/calls-of", calls.to_str().unwrap());
    desk.write("may-listen", rule);
    std::fs::set_permissions(desk.path("may-listen"), Permissions::from_mode(0o700)).unwrap();
    let worker = "WK5eed0000000000000000000000000001";
    desk.write(&format!("calls-of/{worker}"), "CA2\nCA1\n");
    desk.write("key", "CA1\n");
    for (roles, worker, call, is_allowed) in [
        ("[\"agent\",\"supervisor\"]", "null", "null", true),
        ("[\"admin\"]", "null", "\"CA9\"", true),
        ("[\"agent\"]", &format!("\"{worker}\""), "\"CA1\"", true),
        ("[\"agent\"]", &format!("\"{worker}\""), "\"CA\"", false),
        ("[\"agent\"]", &format!("\"{worker}\""), "null", false),
        ("[\"agent\"]", "null", "\"CA1\"", false),
        ("[\"agent\"]", "\"../key\"", "\"CA1\"", false),
        (
            "[]",
            "\"WK5eed0000000000000000000000000002\"",
            "\"CA1\"",
            false,
        ),
    ] {
        let question = format!(r#"{{"roles":{roles},"worker_sid":{worker},"call":{call}}}"#);
        let mut child = desk
            .command(desk.path("may-listen"))
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(question.as_bytes()).unwrap();
        drop(stdin);
        assert_eq!(child.wait().unwrap().success(), is_allowed, "{question}");
    }
}

#[test]
fn nginx_takes_the_configuration_of_the_page() {
    let desk = Desk::new();
    if !common::has("nginx") || !common::has("openssl") {
        return;
    }
    let folder = desk.path("");
    let folder = folder.to_str().unwrap();
    let server = block("nginx")
        .replace("/etc/nginx/", folder)
        .replace("/var/log/nginx/", folder)
        .replace("listen 443", "listen 127.0.0.1:8443");
    let all = format!(
        "pid {folder}pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n\
         client_body_temp_path {folder}body;\nproxy_temp_path {folder}proxy;\n\
         fastcgi_temp_path {folder}fastcgi;\nuwsgi_temp_path {folder}uwsgi;\n\
         scgi_temp_path {folder}scgi;\n{server}}}\n"
    );
    desk.write("nginx.conf", all);
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=play.example.com -days 2 \
                  -keyout play.example.com.key -out play.example.com.pem 2>/dev/null && \
                  nginx -t -p \"$PWD\" -c \"$PWD/nginx.conf\"";
    desk.done(desk.bash(script));
}

#[test]
fn systemd_takes_the_unit_of_the_page() {
    let desk = Desk::new();
    if !common::has("systemd-analyze") {
        return;
    }
    let unit = block("ini");
    let program = "/usr/local/bin/unreel";
    assert!(unit.contains(&format!("\nExecStart={program} serve --config %d/")));
    // It is not installed here.
    let unit = unit.replace(program, env!("CARGO_BIN_EXE_unreel"));
    desk.write("unreel-serve.service", unit);
    let mut verify = desk.command("systemd-analyze");
    verify.args(["verify", "--man=no", "unreel-serve.service"]);
    let output = desk.done(verify);
    let said = common::stderr(&output);
    assert!(!said.contains("unreel-serve.service:"), "{said}");
}

#[test]
fn logrotate_takes_the_rule_of_the_page() {
    let desk = Desk::new();
    if !common::has("logrotate") {
        return;
    }
    let folder = desk.path("");
    let rule = block("logrotate").replace("/var/log/unreel/", folder.to_str().unwrap());
    desk.write("audit.jsonl", "a line\n");
    desk.write("rule", rule);
    let mut command = desk.command("logrotate");
    command.args(["--debug", "--state", "state", "rule"]);
    let said = common::stderr(&desk.done(command));
    assert!(
        said.contains("audit.jsonl") && !said.contains("error:"),
        "{said}"
    );
}

#[test]
fn the_alerts_of_the_page_name_metrics_that_there_are() {
    let metrics = crate::docs::read("src/serve/metrics.rs");
    let block = block("yaml");
    let named: Vec<_> = block
        .split(|c: char| !(c.is_ascii_lowercase() || c == '_'))
        .filter(|word| word.starts_with("unreel_"))
        .collect();
    assert!(named.len() > 4, "{named:?}");
    for name in named {
        let name = name.strip_prefix("unreel_").unwrap();
        assert!(metrics.contains(&format!("\"{name}\"")), "{name}");
    }
}

/// A port that nobody has.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A provider that lets Anna in, and what her player sends.
fn with_flex() -> (Fake, String) {
    let fake = Fake::with_fixtures();
    let token = flex_token("anna");
    fake.add_flex_token(&token, FlexUser::agent("anna"));
    let pair = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("token:{token}"));
    (fake, format!("Basic {pair}"))
}

#[test]
fn the_player_of_the_page_hears_a_recording() {
    let desk = Desk::of_documents();
    if !common::has("curl") || !common::has("jq") {
        return;
    }
    let (fake, authorization) = with_flex();
    let address = format!("127.0.0.1:{}", free_port());
    let script = block_with(PAGE, "bash", "FLEX_AUTHORIZATION").replace("127.0.0.1:8080", &address);
    let mut command = desk.bash(&script);
    command.env("UNREEL_SERVE_LISTEN", &address);
    command
        .envs(fake.env())
        .env("FLEX_AUTHORIZATION", authorization);
    desk.done(command);
    let expected = common::digest_of(common::VOICE);
    assert_eq!(common::sha256(&desk.read("call.wav")), expected);
}

/// Its files, the start, the link of a task, the check without Flex, a link without it, and the audit log:
/// each block of the page, in folders and at an address of the test's.
#[test]
fn the_way_of_the_page_from_nothing_to_flex_works() {
    let desk = Desk::new();
    if ["curl", "openssl", "zcat"]
        .iter()
        .any(|name| !common::has(name))
    {
        return;
    }
    let (fake, authorization) = with_flex();
    let address = format!("127.0.0.1:{}", free_port());
    let folder = |name: &str| format!("{}{name}", desk.path("").display());
    let ours = |text: &str| {
        text.replace("/etc/unreel", &folder("etc"))
            .replace("/var/log/unreel", &folder("log"))
            .replace("https://play.example.com", &format!("http://{address}"))
            .replace("127.0.0.1:8080", &address)
            .replace("127.0.0.1:8081", "127.0.0.1:0")
            .replace("AC…", ACCOUNT)
            .replace("SK…", API_KEY)
            .replace("RE…", common::VOICE)
    };
    let bash = |piece: &str| ours(&block_with(PAGE, "bash", piece));

    desk.bring("keys/pkcs8.pem", "private_key.pem");
    let output = common::run_with(
        desk.bash(&bash("install -d")),
        format!("{API_SECRET}\n").as_bytes(),
    );
    assert!(output.status.success(), "{}", common::stderr(&output));
    desk.write("etc/serve.toml", ours(&block("toml")));

    // It takes its credentials from those files, and from nowhere else.
    let urls = fake
        .env()
        .into_iter()
        .filter(|(name, _)| name.starts_with("UNREEL_"));
    let start = bash("mkdir -p /var/log").replace("unreel serve", "exec unreel serve");
    let mut command = desk.bash(&start);
    let child = command.envs(urls).stderr(Stdio::piped()).spawn().unwrap();
    let mut running = Running(child);
    let said = BufReader::new(running.0.stderr.take().unwrap()).lines();
    let mut said = said.map(Result::unwrap);
    let admin = said.find_map(|line| line.strip_prefix("admin on ").map(ToOwned::to_owned));
    let ready = send("GET", &format!("{}/readyz", admin.unwrap()), &[], b"");
    assert!(ready.text().contains("ready"), "{}", ready.text());

    let task: serde_json::Value = serde_json::from_str(&ours(&block("json"))).unwrap();
    let url = task["conversations"]["media"][0]["url_provider"]
        .as_str()
        .unwrap();
    let id = format!("RE{}", "0".repeat(32));
    let url = url.replace(&id, common::VOICE);
    let authorization = format!("Authorization: {authorization}");
    let media = |answer: &str| {
        let link = answer.split("\"media_url\":\"").nth(1).unwrap();
        let link = link.split('"').next().unwrap();
        let bytes = send("GET", link, &[], b"").whole().unwrap();
        assert_eq!(common::sha256(&bytes), common::digest_of(common::VOICE));
    };
    media(&send("GET", &url, &[&authorization], b"").text());
    desk.write("authorization.txt", &authorization);
    let checked = desk.done(desk.bash(&bash("authorization.txt")));
    let checked = String::from_utf8(checked.stdout).unwrap();
    assert!(
        checked.contains("access-control-allow-origin: https://flex.twilio.com"),
        "{checked}"
    );
    media(&checked);

    let link = desk.done(desk.bash(&bash("serve link")));
    let link = String::from_utf8(link.stdout).unwrap();
    let page = send("GET", link.trim(), &[], b"");
    assert!(page.text().contains(common::VOICE), "{link}");

    let mut kill = Command::new("kill");
    kill.args(["-TERM", &running.0.id().to_string()]);
    assert!(kill.status().unwrap().success());
    assert!(running.0.wait().unwrap().success());
    let log = desk.path("log/audit.jsonl");
    let rotated = format!("gzip -c {0} > {0}-20261129.gz\n", log.display());
    let script = format!("{rotated}{}", bash("verify-audit"));
    let verified = String::from_utf8(desk.done(desk.bash(&script)).stdout).unwrap();
    assert_eq!(verified.lines().count(), 2, "{verified}");
}
