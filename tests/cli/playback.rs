//! `docs/playback.md` and the README's command for playback: what they say to write and to run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use toml::Table;

use crate::common::{self, Desk};
use crate::docs::blocks;
use crate::fake::send;

const PAGE: &str = include_str!("../../docs/playback.md");

/// The only block of the page with this behind its fence.
fn block(info: &str) -> String {
    let found = blocks(PAGE).into_iter().filter(|(other, _)| other == info);
    let found: Vec<_> = found.collect();
    let [(_, text)] = found.as_slice() else {
        panic!("{} blocks of {info}", found.len());
    };
    format!("{text}\n")
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
    let units = blocks(PAGE).into_iter().filter(|(info, _)| info == "ini");
    let units: Vec<_> = units.map(|(_, text)| text).collect();
    let [unit] = units.as_slice() else {
        panic!("{} units", units.len());
    };
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
