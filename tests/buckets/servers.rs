//! The servers, one of a kind for all tests of this binary, and buckets in them, one for each test.
//!
//! A bucket is filled and looked into by the vendors' own clients, in `servers.py`, not by unreel.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the tests use of it what they need"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::common::skip;

/// Names and values of an environment.
pub type Env = Vec<(&'static str, String)>;

/// Whose buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    S3,
    Azure,
    Gcs,
}

/// What a user may do. Nobody is asked who he is by [`Kind::Gcs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    All,
    /// Get and list.
    Read,
    /// Get, by name alone.
    Get,
    /// Put, in parts too, and break that off.
    Write,
    /// Put, in parts too. What was begun is not to be broken off (S3 alone).
    Begin,
    Nothing,
}

/// An object, as the vendor's client sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub body: Vec<u8>,
    /// Names in lower case, without the prefix of the vendor.
    pub metadata: BTreeMap<String, String>,
    pub kind: String,
    pub etag: String,
}

/// A server that runs. It ends with this process, however that ends.
pub struct Server {
    pub kind: Kind,
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub base: String,
    /// The key id, or the account; and the secret of it.
    pub user: String,
    pub secret: String,
    /// How long it took to start.
    pub seconds: f64,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    buckets: AtomicU32,
    child: Child,
}

/// A bucket that only this test has.
#[derive(Clone)]
pub struct Bucket {
    pub server: &'static Server,
    pub name: String,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::S3, Self::Azure, Self::Gcs];

    /// The scheme of its URLs.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Azure => "az",
            Self::Gcs => "gs",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Azure => "azure",
            Self::Gcs => "gcs",
        }
    }

    /// A new bucket. `None` where there is no such server, which is said; in CI that fails.
    pub fn bucket(self) -> Option<Bucket> {
        static SERVERS: [OnceLock<Option<Server>>; 3] = [const { OnceLock::new() }; 3];
        let server = SERVERS[self as usize].get_or_init(|| Server::start(self));
        server.as_ref().map(Server::bucket)
    }

    /// What it needs of the tools' folder, and of the PATH.
    fn missing(self, tools: &Path) -> Option<String> {
        let folders: &[&str] = match self {
            Self::S3 | Self::Gcs => &["python/moto", "python/boto3"],
            Self::Azure => &["azurite/node_modules/azurite", "python/azure/storage/blob"],
        };
        let programs: &[&str] = match self {
            Self::Azure => &["python3", "node"],
            _ => &["python3"],
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = |name: &str| std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
        let folder = folders.iter().find(|folder| !tools.join(folder).is_dir());
        folder
            .or_else(|| programs.iter().find(|program| !on_path(program)))
            .map(|what| format!("there is no {what} for {self:?}; `.ci/run` installs it"))
    }
}

/// Where `.ci/run` installs the servers.
fn tools() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    target.expect("the target folder").join("tools")
}

impl Server {
    /// One that is not shared.
    pub fn start(kind: Kind) -> Option<Self> {
        let tools = tools();
        if let Some(why) = kind.missing(&tools) {
            assert!(std::env::var_os("CI").is_none(), "{why}");
            skip(&why);
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/buckets/servers.py");
        let mut child = Command::new("python3")
            .args([script.as_os_str(), kind.name().as_ref(), tools.as_ref()])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", "/nonexistent")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python starts");
        // Its standard input ends with this process, and then it does.
        let stdin = child.stdin.take().expect("a pipe");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let hello = read(&mut stdout);
        let text = |name: &str| {
            let value = hello[name].as_str();
            let value = value.unwrap_or_else(|| panic!("{kind:?} does not start: {hello}"));
            value.to_owned()
        };
        Some(Self {
            kind,
            base: text("base"),
            user: text("user"),
            secret: text("secret"),
            seconds: hello["seconds"].as_f64().unwrap_or_default(),
            pipes: Mutex::new((stdin, stdout)),
            buckets: AtomicU32::new(0),
            child,
        })
    }

    fn bucket(&'static self) -> Bucket {
        let number = self.buckets.fetch_add(1, Ordering::SeqCst);
        let name = format!("recordings-{number}");
        self.call("create", json!({"bucket": name}));
        Bucket { server: self, name }
    }

    /// Ends it by the end of its standard input, or by a signal.
    pub fn end(self, killed: bool) {
        let Self {
            mut child, pipes, ..
        } = self;
        if killed {
            child.kill().expect("it is there");
        } else {
            drop(pipes);
        }
        child.wait().expect("it ends");
    }

    /// Has `servers.py` do something.
    pub fn call(&self, what: &str, mut arguments: Value) -> Value {
        arguments["do"] = what.into();
        let answer = {
            let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
            writeln!(pipes.0, "{arguments}").expect("it reads");
            read(&mut pipes.1)
        };
        assert!(answer.get("error").is_none(), "{what}: {answer}");
        answer["ok"].clone()
    }

    /// The environment of somebody who may do that, with the server, or a proxy before it, at `base`.
    pub fn settings_of(&self, may: May, base: &str) -> Env {
        match self.kind {
            Kind::S3 => {
                let actions: &[&str] = match may {
                    May::All => return aws(base, &self.user, &self.secret),
                    May::Read => &["s3:GetObject", "s3:ListBucket", "s3:HeadBucket"],
                    May::Get => &["s3:GetObject"],
                    May::Write => &["s3:PutObject", "s3:AbortMultipartUpload"],
                    May::Begin => &["s3:PutObject"],
                    May::Nothing => &["s3:GetBucketLocation"],
                };
                let pair = self.call("user", json!({"actions": actions}));
                let [user, secret] = [0, 1].map(|at| pair[at].as_str().expect("text"));
                aws(base, user, secret)
            }
            Kind::Azure => {
                let permission = match may {
                    May::All => return azure(base, "AZURE_STORAGE_ACCOUNT_KEY", &self.secret),
                    May::Read => "rl",
                    May::Get => "r",
                    May::Write | May::Begin => "wc",
                    May::Nothing => "f",
                };
                let token = self.call("sas", json!({"permission": permission}));
                azure(base, "AZURE_STORAGE_SAS_KEY", token.as_str().expect("text"))
            }
            Kind::Gcs => {
                assert_eq!(may, May::All, "this server asks nobody who he is");
                gcs_settings(base)
            }
        }
    }

    /// The environment of somebody with another secret than he should have.
    pub fn settings_with_wrong_secret(&self, base: &str) -> Env {
        match self.kind {
            Kind::S3 => aws(base, &self.user, "made-up-secret"),
            Kind::Azure => azure(base, "AZURE_STORAGE_ACCOUNT_KEY", "bWFkZS11cC1zZWNyZXQ="),
            Kind::Gcs => panic!("this server asks nobody who he is"),
        }
    }
}

fn read(stdout: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("servers.py ended: {line}"))
}

fn aws(base: &str, user: &str, secret: &str) -> Env {
    vec![
        ("AWS_ENDPOINT_URL", base.to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", user.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", secret.to_owned()),
    ]
}

fn azure(base: &str, name: &'static str, value: &str) -> Env {
    vec![
        ("AZURE_STORAGE_ENDPOINT", format!("{base}/devstoreaccount1")),
        ("AZURE_STORAGE_ACCOUNT_NAME", "devstoreaccount1".to_owned()),
        (name, value.to_owned()),
    ]
}

/// The environment for Google's buckets at a server that asks for no token.
pub fn gcs_settings(base: &str) -> Env {
    let account = json!({
        "gcs_base_url": base,
        "disable_oauth": true,
        "client_email": "",
        "private_key": "",
        "private_key_id": "",
    });
    vec![("GOOGLE_SERVICE_ACCOUNT_KEY", account.to_string())]
}

impl Bucket {
    pub fn kind(&self) -> Kind {
        self.server.kind
    }

    /// `s3://BUCKET/KEY`.
    pub fn url(&self, key: &str) -> String {
        format!("{}://{}/{key}", self.kind().scheme(), self.name)
    }

    /// Where requests for the object go, below the server's base; not quoted.
    pub fn path(&self, key: &str) -> String {
        match self.kind() {
            Kind::Azure => format!("/devstoreaccount1/{}/{key}", self.name),
            _ => format!("/{}/{key}", self.name),
        }
    }

    /// The environment of somebody who may do everything, without a proxy.
    pub fn settings(&self) -> Env {
        self.settings_of(May::All)
    }

    pub fn settings_of(&self, may: May) -> Env {
        self.server.settings_of(may, &self.server.base)
    }

    /// Puts an object there. (Azure takes names of metadata that are names in C# alone.)
    pub fn put(&self, key: &str, body: impl AsRef<[u8]>, metadata: &[(&str, &str)]) {
        let metadata: BTreeMap<_, _> = metadata.iter().copied().collect();
        let body = BASE64_STANDARD.encode(body);
        let kind = "application/octet-stream";
        let object = json!({"key": key, "body": body, "metadata": metadata, "type": kind});
        self.call("put", object);
    }

    pub fn get(&self, key: &str) -> Option<Object> {
        let object = self.call("get", json!({"key": key}));
        let text = |name: &str| object[name].as_str().expect("text").to_owned();
        (!object.is_null()).then(|| Object {
            body: BASE64_STANDARD.decode(text("body")).expect("base64"),
            metadata: serde_json::from_value(object["metadata"].clone()).expect("texts"),
            kind: text("type"),
            etag: text("etag"),
        })
    }

    pub fn delete(&self, key: &str) {
        self.call("delete", json!({"key": key}));
    }

    /// All keys, in order.
    pub fn keys(&self) -> Vec<String> {
        self.texts("keys")
    }

    /// The keys of uploads that were begun, and neither ended nor broken off.
    /// Azure's cannot be broken off: what is left of them goes after a week.
    pub fn uploads(&self) -> Vec<String> {
        self.texts("uploads")
    }

    fn texts(&self, what: &str) -> Vec<String> {
        let list = self.call(what, json!({}));
        let mut list: Vec<String> = serde_json::from_value(list).expect("texts");
        list.sort();
        list
    }

    fn call(&self, what: &str, mut arguments: Value) -> Value {
        arguments["bucket"] = self.name.clone().into();
        self.server.call(what, arguments)
    }
}
