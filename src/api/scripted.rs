//! A provider that answers from a script, for the tests of its neighbours.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::answer::Ask;
use super::client::{Auth, Request};
use super::error::Error;
use super::link::Link;

type Answer = Result<Vec<u8>, Error>;

/// Answers in turn for each URL; the last one stays.
pub(super) struct Script {
    answers: Mutex<HashMap<String, Vec<Answer>>>,
    asked: Mutex<Vec<String>>,
}

impl Script {
    /// Answers by their URLs.
    pub(super) fn new(answers: &[(&str, Result<String, Error>)]) -> Arc<Self> {
        let mut by_url: HashMap<_, Vec<_>> = HashMap::new();
        for (url, answer) in answers {
            let answer = answer.clone().map(String::into_bytes);
            by_url.entry((*url).to_owned()).or_default().push(answer);
        }
        Arc::new(Self {
            answers: Mutex::new(by_url),
            asked: Mutex::new(Vec::new()),
        })
    }

    /// The URLs that were asked for.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Ask for Script {
    fn ask(&self, request: &Request) -> Result<Vec<u8>, Error> {
        let url = request.link.url().as_str().to_owned();
        if let Auth::Header(_, token) = &request.auth {
            token()?;
        }
        self.asked.lock().unwrap().push(url.clone());
        let mut answers = self.answers.lock().unwrap();
        let answers = answers.get_mut(&url);
        let answers = answers.unwrap_or_else(|| panic!("nobody expected {url}"));
        if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        }
    }
}

/// A refusal.
pub(super) fn refused(status: u16) -> Error {
    Error::Refused {
        host: "example.com".to_owned(),
        status,
        problem: None,
        in_region: false,
    }
}

/// A link.
pub(super) fn link(text: &str) -> Link {
    Link::parse(text).unwrap()
}
