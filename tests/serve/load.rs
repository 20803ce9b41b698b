//! Many at the same time: listeners who are served, and others who only take places.

use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::common::made::say;
use crate::connection::Connection;
use crate::limits::from;
use crate::link;
use crate::scene::{CALL, MONO, Scene, Served};

/// Memory of the process, in KiB.
fn resident(served: &Served) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.pid())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim_end_matches("kB").trim().parse().unwrap()
}

/// What a crowd is.
struct Crowd {
    /// Who plays a recording, each in parts over a connection of its own.
    listeners: u16,
    /// Parts that each asks for.
    parts: usize,
    /// Who sends half a header.
    half_open: u16,
    /// How long the good client goes on at least.
    lasts: Duration,
}

/// An address of this machine.
fn address(block: u8, number: u16) -> Ipv4Addr {
    let [high, low] = (number + 1).to_be_bytes();
    Ipv4Addr::new(127, block, high, low)
}

/// How long requests of a good client took beside the crowd, sorted; all of them succeeded.
fn beside(served: &Served, crowd: &Crowd) -> Vec<Duration> {
    let (call, mono) = (link::path("media", CALL), link::path("media", MONO));
    let size = served.get(&call, &[]).body.len();
    let is_over = AtomicBool::new(false);
    let mut took = Vec::new();
    std::thread::scope(|threads| {
        let (is_over, call) = (&is_over, &call);
        for number in 0..crowd.listeners {
            let builder = std::thread::Builder::new().stack_size(128 << 10);
            builder
                .spawn_scoped(threads, move || {
                    let stream = from(address(1, number), served.address());
                    let mut connection = Connection::from(stream);
                    for part in 0..crowd.parts {
                        let first = (usize::from(number) * 977 + part * 16_384) % size;
                        let range = format!("Range: bytes={first}-{}", first + 16_383);
                        let got = connection.ask("GET", call, &[&range]);
                        assert_eq!(got.status(), "206", "listener {number}");
                    }
                })
                .unwrap();
        }
        threads.spawn(move || {
            let mut held: Vec<TcpStream> = Vec::new();
            for number in 0..crowd.half_open {
                let mut stream = from(address(2, number), served.address());
                std::io::Write::write_all(&mut stream, b"GET /media/x HTTP/1.1\r\nHost: lo").ok();
                held.push(stream);
            }
            while !is_over.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let start = Instant::now();
        while took.len() < 100 || start.elapsed() < crowd.lasts {
            let start = Instant::now();
            let got = served.get(&mono, &["Range: bytes=0-9999"]);
            took.push(start.elapsed());
            assert_eq!(got.status(), "206");
            std::thread::sleep(Duration::from_millis(2));
        }
        is_over.store(true, Ordering::SeqCst);
    });
    took.sort();
    took
}

#[test]
fn a_good_client_is_served_beside_a_crowd() {
    let scene = Scene::new();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    let crowd = Crowd {
        listeners: 100,
        parts: 10,
        half_open: 300,
        lasts: Duration::ZERO,
    };
    beside(&served, &crowd);
    served.stop();
    scene
        .desk
        .done(scene.desk.unreel("serve verify-audit log.jsonl"));
}

/// `cargo test --test serve -- --ignored large` prints what it measured.
#[test]
#[ignore = "it takes a minute and 11,000 connections"]
fn a_good_client_is_served_beside_a_large_crowd() {
    rustix::process::setrlimit(
        rustix::process::Resource::Nofile,
        rustix::process::Rlimit {
            current: rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum,
            ..rustix::process::getrlimit(rustix::process::Resource::Nofile)
        },
    )
    .unwrap();
    let scene = Scene::new();
    let served = scene.serve(&["--audit-log", "log.jsonl"]);
    served.get(&link::path("media", CALL), &[]);
    let before = resident(&served);
    let crowd = Crowd {
        listeners: 1000,
        parts: 60,
        half_open: 10_000,
        lasts: Duration::from_secs(30),
    };
    let took = beside(&served, &crowd);
    let p99 = took[took.len() * 99 / 100];
    let most = took.last().unwrap();
    let after = resident(&served);
    say(&format!(
        "{} requests beside 1,000 listeners and 10,000 half-open connections: p50 {:?}, p99 {p99:?}, \
         most {most:?}; memory {before} KiB before, {after} KiB after; refused {}",
        took.len(),
        took[took.len() / 2],
        served.metric("connections_refused_total"),
    ));
    served.stop();
    scene
        .desk
        .done(scene.desk.unreel("serve verify-audit log.jsonl"));
}
