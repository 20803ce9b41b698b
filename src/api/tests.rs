//! The client against a server that does what a script says.

mod changes;
mod media;
mod providers;
mod renewals;
mod requests;
mod server;
mod trust;

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use self::server::{Server, Step};
use super::client::{Auth, Client, Media, Request, Way};
use super::error::Error;
use super::link::Link;
use super::policy::Policy;
use super::remote::Attempts;

/// A policy that takes no time.
fn hasty() -> Policy {
    Policy {
        retries: 3,
        connect: Duration::from_secs(2),
        silence: Duration::from_millis(150),
        pause: Duration::from_millis(2),
        longest_pause: Duration::from_millis(4),
        ..Policy::default()
    }
}

fn client() -> Client {
    Client::with(hasty(), None)
}

fn request(url: &str) -> Request {
    Request {
        link: Link::parse(url).unwrap(),
        auth: Auth::None,
        told_by: None,
        in_region: false,
        change: None,
    }
}

fn basic(url: &str) -> Request {
    Request {
        auth: Auth::Basic {
            user: "user".to_owned(),
            secret: Arc::new(Zeroizing::new("pässword".to_owned())),
        },
        ..request(url)
    }
}

fn media(request: Request) -> Media {
    Media {
        way: Way::Request(Box::new(request)),
        redirect_in_body: false,
        missing_until: None,
        renew: None,
    }
}

/// What a download brought, its error, and how often it was asked for.
#[derive(Debug, PartialEq)]
struct Brought {
    bytes: Vec<u8>,
    error: Option<Error>,
    attempts: u32,
}

fn bring(media: Media) -> Result<Brought, Error> {
    let attempts = Attempts::default();
    let mut download = client().media(media, &attempts)?;
    let mut bytes = Vec::new();
    let read = download.body.read_to_end(&mut bytes);
    let error = read
        .err()
        .map(|error| Error::within(&error).unwrap().clone());
    Ok(Brought {
        bytes,
        error,
        attempts: attempts.count(),
    })
}

/// What comes of media that a server answers with these steps, and what it was asked.
fn brought(steps: Vec<Step>) -> (Result<Brought, Error>, Vec<String>) {
    let server = Server::of(steps);
    let brought = bring(media(request(&server.url("/m?s=3"))));
    (brought, server.seen())
}

/// Bytes of a body.
fn body(length: usize) -> Vec<u8> {
    (0..=250).cycle().step_by(7).take(length).collect()
}
