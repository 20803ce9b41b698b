//! How much one address may ask for, and whose address it is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

use crate::common::made::wait_for;
use crate::connection::Connection;
use crate::link;
use crate::scene::{LONG, MONO, Scene, authorization};

/// A connection from another address of this machine.
pub(crate) fn from(address: Ipv4Addr, to: &str) -> std::net::TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from((IpAddr::V4(address), 0)).into())
        .unwrap();
    let to: SocketAddr = to.parse().unwrap();
    socket.connect(&to.into()).unwrap();
    socket.into()
}

/// Whether it has ended, or ends soon.
fn has_ended(connection: &mut Connection) -> bool {
    connection.rest().is_empty()
}

#[test]
fn an_address_has_its_share_and_loses_what_it_does_not_use() {
    let scene = Scene::new();
    scene.add_long(6 << 20);
    let served = scene.serve(&["--per-address", "3"]);
    let path = link::path("media", LONG);
    // Whoever waits has to go where the same address comes once more.
    let mut idle = Connection::to(served.address());
    assert_eq!(
        idle.ask("GET", &link::path("media", MONO), &[]).status(),
        "200"
    );
    let mut held: Vec<_> = (0..3)
        .map(|_| {
            let mut connection = Connection::to(served.address());
            assert_eq!(connection.begin("GET", &path, &[]).status(), "200");
            connection
        })
        .collect();
    assert!(has_ended(&mut idle), "the idle one was dropped");
    // Those that are being answered stay.
    let got = served.get(&path, &[]);
    assert_eq!(
        (got.status(), got.header("retry-after").is_some()),
        ("429", true)
    );
    let mut other = Connection::from(from(Ipv4Addr::new(127, 0, 0, 2), served.address()));
    assert_eq!(
        other.ask("GET", &link::path("media", MONO), &[]).status(),
        "200"
    );
    // Both are counted.
    wait_for("count", || served.metric("connections_refused_total") >= 2);
    held.pop();
    wait_for("place", || {
        served.get(&path, &["Range: bytes=0-0"]).status() == "206"
    });
    drop(held);
    served.stop();
}

#[test]
fn behind_a_proxy_it_is_the_client_who_counts() {
    let scene = Scene::new();
    scene.add_long(6 << 20);
    let served = scene.serve(&[
        "--behind-proxy",
        "--per-address",
        "2",
        "--audit-log",
        "log.jsonl",
    ]);
    let path = link::path("media", LONG);
    let one = ["X-Forwarded-For: 203.0.113.9, 192.0.2.1"];
    let held: Vec<_> = (0..2)
        .map(|_| {
            let mut connection = Connection::to(served.address());
            assert_eq!(connection.begin("GET", &path, &one).status(), "200");
            connection
        })
        .collect();
    let short = link::path("media", MONO);
    let got = served.get(&short, &one);
    assert_eq!(
        (got.status(), got.header("retry-after").is_some()),
        ("429", true)
    );
    let lines = ["X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: 192.0.2.1"];
    assert_eq!(
        served.get(&short, &lines).status(),
        "429",
        "the last line counts"
    );
    for headers in [
        &["X-Forwarded-For: 192.0.2.1, 192.0.2.7"][..],
        &["X-Forwarded-For: [2001:db8::1]:4711"],
        &["X-Forwarded-For: unknown"],
        &["X-Real-IP: 192.0.2.1"],
        &[],
    ] {
        assert_eq!(served.get(&short, headers).status(), "200", "{headers:?}");
    }
    drop(held);
    wait_for("places", || served.get(&short, &one).status() == "200");
    served.stop();
    let log = scene.log("log.jsonl");
    let plays = log
        .iter()
        .filter(|line| line["event"] == "play" && line["recording"] == MONO);
    let mut addresses: Vec<_> = plays.map(|line| line["address"].to_string()).collect();
    addresses.sort();
    let expected = [
        "\"192.0.2.1\"",
        "\"192.0.2.7\"",
        "\"2001:db8::1\"",
        "null",
        "null",
        "null",
    ];
    assert_eq!(addresses, expected);

    // Without a proxy it is who is connected, whatever they say.
    let served = scene.serve(&["--audit-log", "direct.jsonl"]);
    served.get(&short, &["X-Forwarded-For: 192.0.2.1"]);
    served.stop();
    assert_eq!(scene.log("direct.jsonl")[0]["address"], "127.0.0.1");
}

#[test]
fn an_address_asks_for_256_links_a_second() {
    let scene = Scene::new();
    let served = scene.serve(&[]);
    let account = crate::fake::ACCOUNT;
    for path in [
        format!("/sec_rec?recording={MONO}"),
        format!("/2010-04-01/Accounts/{account}/Recordings/{MONO}"),
    ] {
        let mut connection = Connection::to(served.address());
        let asked = (0..50_000).map(|_| connection.ask("GET", &path, &[]));
        let mut statuses =
            asked.map(|got| (got.status().to_owned(), got.header("retry-after").is_some()));
        let over = statuses
            .find(|(status, _)| status != "401")
            .expect("a limit");
        assert_eq!(over, ("429".to_owned(), true));
        let mut other = Connection::from(from(Ipv4Addr::new(127, 0, 0, 9), served.address()));
        assert_eq!(other.ask("GET", &path, &[]).status(), "401");
        // It is over with the second, and was none of recordings.
        assert_eq!(served.get(&link::path("media", MONO), &[]).status(), "200");
        wait_for("next second", || {
            served.get(&path, &[&authorization("anna")]).status() == "200"
        });
    }
    served.stop();
}
