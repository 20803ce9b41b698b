//! Media: links that expire, and are asked for again.

use std::sync::atomic::{AtomicU32, Ordering};

use super::media::TAG;
use super::server::{Server, cut, redirect, rest, say};
use super::*;

/// Media whose link is renewed by asking `api` for JSON, which blocks.
fn renewed(first: &str, api: &Server, storage: &Server, times: &Arc<AtomicU32>) -> Media {
    let (client, times) = (client(), Arc::clone(times));
    let (ask, next) = (request(&api.url("/r.json")), request(&storage.url("/new")));
    Media {
        renew: Some(Arc::new(move || {
            times.fetch_add(1, Ordering::Relaxed);
            client.json(&ask)?;
            Ok(next.clone())
        })),
        ..media(request(first))
    }
}

#[test]
fn expired_links_are_renewed() {
    let body = body(100);
    let denied = || say("403 X", "", b"<Error><Code>AccessDenied</Code></Error>");
    let api = Server::of(vec![say("200 OK", "", b"{}"), say("200 OK", "", b"{}")]);
    let storage = Server::of(vec![
        denied(),
        cut(TAG, &body, 40),
        denied(),
        rest(TAG, &body, 40),
    ]);
    let times = Arc::default();
    let brought = bring(renewed(&storage.url("/old"), &api, &storage, &times)).unwrap();
    assert_eq!((brought.error, brought.attempts), (None, 4));
    assert_eq!(brought.bytes, body);
    assert_eq!(times.load(Ordering::Relaxed), 2);
    assert!(storage.seen()[3].contains("range: bytes=40-\r\n"));
}

#[test]
fn links_are_not_renewed_for_ever() {
    let api = Server::of((0..9).map(|_| say("200 OK", "", b"{}")).collect());
    let storage = Server::of((0..9).map(|_| say("403 X", "", b"")).collect());
    let times = Arc::default();
    let brought = bring(renewed(&storage.url("/old"), &api, &storage, &times));
    assert_eq!(
        brought,
        Err(Error::Expired {
            host: storage.host()
        })
    );
    assert_eq!(times.load(Ordering::Relaxed), 3);
    assert_eq!(storage.seen().len(), 4);
}

#[test]
fn a_renewal_after_another_is_a_try() {
    let api = Server::of((0..2).map(|_| say("200 OK", "", b"{}")).collect());
    let statuses = ["403 X", "403 X", "503 X", "503 X", "503 X", "503 X"];
    let storage = Server::of(statuses.map(|status| say(status, "", b"")).into());
    let brought = bring(renewed(
        &storage.url("/old"),
        &api,
        &storage,
        &Arc::default(),
    ));
    assert!(matches!(brought, Err(Error::Busy { status: 503, .. })));
    assert_eq!(storage.seen().len(), 5);
}

#[test]
fn what_the_provider_refuses_is_not_renewed() {
    let server = Server::of(vec![say("403 X", "", b"")]);
    let asked = Media {
        renew: Some(Arc::new(|| panic!("nobody asked for it"))),
        ..media(basic(&server.url("/m")))
    };
    assert!(matches!(
        bring(asked),
        Err(Error::Refused { status: 403, .. })
    ));
    let (nobody, _) = brought(vec![say("403 X", "", b"")]);
    assert!(matches!(nobody, Err(Error::Refused { status: 403, .. })));
    let storage = Server::of(vec![say("403 X", "", b""), say("200 OK", "", b"x")]);
    let api = Server::of(vec![
        redirect(302, &storage.url("/1")),
        redirect(302, &storage.url("/2")),
    ]);
    let same = basic(&api.url("/m"));
    let asked = Media {
        renew: Some(Arc::new({
            let same = same.clone();
            move || Ok(same.clone())
        })),
        ..media(same)
    };
    assert_eq!(bring(asked).unwrap().bytes, b"x");
    let failing = Server::of(vec![say("403 X", "", b"")]);
    let asked = Media {
        renew: Some(Arc::new(|| Err(Error::NoCredentials))),
        ..media(request(&failing.url("/m")))
    };
    assert_eq!(bring(asked), Err(Error::NoCredentials));
}
