//! Clients that take their time, and the end of the process meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::common::made::wait_for;
use crate::connection::Connection;
use crate::link;
use crate::scene::{LONG, MONO, Scene, Served};

/// How long a connection stays that sends a byte of this text now and then.
fn trickles(mut stream: TcpStream, text: &str) -> Duration {
    let start = Instant::now();
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    for byte in text.bytes().cycle() {
        if stream.write_all(&[byte]).is_err() {
            break;
        }
        for _ in 0..4 {
            match stream.read(&mut [0; 100]) {
                Ok(0) => return start.elapsed(),
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => {
                    return start.elapsed();
                }
                _ => {}
            }
        }
        assert!(start.elapsed() < Duration::from_secs(40), "nobody drops it");
    }
    start.elapsed()
}

/// How long a connection stays that sends no more.
fn waits(stream: &TcpStream) -> Duration {
    let start = Instant::now();
    stream
        .set_read_timeout(Some(Duration::from_secs(40)))
        .unwrap();
    let mut stream = stream;
    let read = stream.read(&mut [0; 1000]);
    assert!(
        !read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock),
        "nobody drops it"
    );
    start.elapsed()
}

fn connected(served: &Served) -> TcpStream {
    TcpStream::connect(served.address()).unwrap()
}

/// At the same time, for most of it is waiting.
#[test]
fn clients_have_their_time_and_not_more() {
    std::thread::scope(|threads| {
        threads.spawn(headers_have_10_seconds_and_idle_connections_more);
        threads.spawn(who_reads_nothing_is_dropped);
        threads.spawn(who_holds_up_the_end_is_dropped);
    });
}

fn headers_have_10_seconds_and_idle_connections_more() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    let path = link::path("media", MONO);
    let second = || {
        let mut connection = Connection::to(served.address());
        assert_eq!(connection.ask("GET", &path, &[]).status(), "200");
        connection
    };
    std::thread::scope(|threads| {
        let dropped = [
            threads.spawn(|| trickles(connected(&served), "GET /x HTTP/1.1 and so on for ever")),
            threads.spawn(|| {
                let mut stream = connected(&served);
                stream
                    .write_all(b"GET /x HTTP/1.1\r\nHost: localhost\r\n")
                    .unwrap();
                trickles(stream, "X-Header: y\r\n")
            }),
            threads.spawn(|| waits(&connected(&served))),
            threads.spawn(|| {
                let mut stream = connected(&served);
                stream.write_all(b"GET /x HT").unwrap();
                waits(&stream)
            }),
            threads.spawn(|| {
                trickles(
                    second().stream().try_clone().unwrap(),
                    "GET /x HTTP/1.1 and so on",
                )
            }),
            threads.spawn(|| {
                let mut connection = second();
                connection.write("G");
                waits(connection.stream())
            }),
        ];
        threads.spawn(|| {
            // What is idle between requests is not what is late with one.
            let mut connection = second();
            std::thread::sleep(Duration::from_secs(15));
            assert_eq!(
                connection.ask("GET", &path, &["Range: bytes=0-9"]).status(),
                "206"
            );
        });
        for (number, dropped) in (0..).zip(dropped) {
            let stayed = dropped.join().unwrap();
            assert!(
                stayed > Duration::from_secs(9),
                "{number}: after {stayed:?}"
            );
        }
    });
    // Others were never in the way.
    assert_eq!(served.get(&path, &[]).status(), "200");
    served.stop();
}

fn who_reads_nothing_is_dropped() {
    let scene = Scene::new();
    let length = scene.add_long(6 << 20).len();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    let mut connection = Connection::to(served.address());
    connection.begin("GET", &link::path("media", LONG), &[]);
    // Its line is written when the server is done with it.
    let is_over = || scene.desk.read("log.jsonl").ends_with(b"\n");
    std::thread::sleep(Duration::from_secs(15));
    assert!(!is_over(), "it was given time");
    let start = Instant::now();
    while !is_over() {
        assert!(start.elapsed() < Duration::from_secs(60), "nobody drops it");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(connection.rest().len() < length);
    served.stop();
    let log = scene.log("log.jsonl");
    assert_eq!(log[0]["event"], "play");
    assert!(log[0]["bytes"].as_u64().unwrap() < length as u64);
}

/// "30 s for those in flight, exit 0"; a second signal waits for nobody.
fn who_holds_up_the_end_is_dropped() {
    for is_patient in [false, true] {
        let scene = Scene::new();
        scene.add_long(6 << 20);
        let served = scene.serve(&["--audit-log", "log.jsonl"]);
        let mut connection = Connection::to(served.address());
        connection.begin("GET", &link::path("media", LONG), &[]);
        served.signal(Signal::TERM);
        let address = served.address().to_owned();
        wait_for("end of listening", || TcpStream::connect(&address).is_err());
        if !is_patient {
            served.signal(Signal::TERM);
        }
        let (status, said) = served.ended();
        assert_eq!(
            status.code().is_some_and(|code| code == 0),
            is_patient,
            "{said}"
        );
        assert_eq!(scene.desk.read("log.jsonl").ends_with(b"\n"), is_patient);
    }
}

#[test]
fn what_is_being_sent_at_the_end_is_finished() {
    for signal in [Signal::TERM, Signal::INT] {
        let scene = Scene::new();
        let plaintext = scene.add_long(6 << 20);
        let served = scene.serve(&["--audit-log", "log.jsonl"]);
        let path = link::path("media", LONG);
        let mut idle = Connection::to(served.address());
        assert_eq!(
            idle.ask("GET", &path, &["Range: bytes=0-9"]).status(),
            "206"
        );
        let mut connection = Connection::to(served.address());
        assert_eq!(connection.begin("GET", &path, &[]).status(), "200");
        let mut body = connection.some(1000);
        served.signal(signal);
        // Those that are idle end; nobody new is let in.
        assert!(idle.rest().is_empty());
        let address = served.address().to_owned();
        wait_for("end of listening", || TcpStream::connect(&address).is_err());
        body.extend(connection.rest());
        assert!(body == plaintext, "{} bytes", body.len());
        let (status, said) = served.ended();
        assert_eq!(status.code(), Some(0), "{said}");
        let log = scene.log("log.jsonl");
        let events: Vec<_> = log
            .iter()
            .map(|line| line["event"].as_str().unwrap())
            .collect();
        assert_eq!(events, ["play", "play", "complete"]);
    }
}
