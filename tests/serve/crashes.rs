//! A process that is killed at any moment leaves a log that can be gone on with.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::Random;
use crate::connection::Connection;
use crate::link;
use crate::scene::{CALL, MONO, Scene, authorization};

#[test]
fn no_grant_is_lost_that_was_answered() {
    let scene = Scene::new();
    let mut random = Random(13);
    let granted = AtomicUsize::new(0);
    for _ in 0..8 {
        let mut served = Some(scene.serve(&["--audit-log", "log.jsonl", "--per-address", "1000"]));
        let address = served.as_ref().unwrap().address().to_owned();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|threads| {
            for number in 0..6 {
                let (address, granted, is_over) = (&address, &granted, &is_over);
                threads.spawn(move || {
                    let path = format!("/sec_rec?recording={CALL}");
                    let media = link::path("media", MONO);
                    while !is_over.load(Ordering::SeqCst) {
                        let Ok(stream) = std::net::TcpStream::connect(address) else { return };
                        let mut connection = Connection::from(stream);
                        let header = authorization("anna");
                        let (path, header) = if number == 0 { (&media, "X: y") } else { (&path, header.as_str()) };
                        let text = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n\r\n");
                        if std::io::Write::write_all(connection.stream(), text.as_bytes()).is_err() {
                            continue;
                        }
                        if connection.head().status() == "200" && number > 0 {
                            granted.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(random.number() % 250));
            drop(served.take());
            is_over.store(true, Ordering::SeqCst);
        });
        // As a disk does that loses what was not synced yet: the last line ends within.
        if random.below(2) == 0 {
            let text = [
                scene.desk.read("log.jsonl"),
                b"{\"schema\":1,\"seq\":7,\"ti".to_vec(),
            ]
            .concat();
            scene.desk.write("log.jsonl", text);
        }
    }
    scene.serve(&["--audit-log", "log.jsonl"]).stop();
    scene
        .desk
        .done(scene.desk.unreel("serve verify-audit log.jsonl"));
    let log = scene.log("log.jsonl");
    let grants = log.iter().filter(|line| line["event"] == "grant").count();
    let granted = granted.into_inner();
    assert!(granted > 0 && grants >= granted, "{grants} of {granted}");
    assert!(log.iter().any(|line| line["event"] == "recovered"));
}
