//! What lets us into buckets of Google Cloud Storage: the variables and files of Google's libraries.

use std::path::Path;

use zeroize::Zeroizing;

use super::super::error::CredentialsError;
use super::buckets::{Bucket, endpoint, variable};
use super::environment::{Depth, Environment};
use super::found::Found;

/// Where `gcloud auth application-default login` leaves what it got, in the user's own folder.
const WELL_KNOWN: &str = ".config/gcloud/application_default_credentials.json";

/// What lets us into buckets of Google's.
pub(super) fn find(env: &Environment<'_>) -> Result<Found<Bucket>, CredentialsError> {
    let mut settings = Vec::new();
    let emulator = variable(env, "STORAGE_EMULATOR_HOST").map(|host| {
        let is_url = host.contains("://");
        Zeroizing::new(if is_url {
            host.to_string()
        } else {
            format!("http://{}", *host)
        })
    });
    let is_emulated = emulator.is_some();
    let url = endpoint(env, &["GOOGLE_BASE_URL"], emulator)?;
    let shown = url.as_ref().map(|url| url.to_string());
    settings.extend(url.map(|url| ("google_base_url", url)));
    let path = |name: &str| {
        let path = env.path(name)?;
        Some((name.to_owned(), path))
    };
    let paths = ["GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"];
    let key = env.find("GOOGLE_SERVICE_ACCOUNT_KEY", Depth::Directory)?;
    let (source, kind) = if is_emulated || variable(env, "GOOGLE_SKIP_SIGNATURE").is_some() {
        settings.push(("google_skip_signature", Zeroizing::new("true".to_owned())));
        ("nobody".to_owned(), "nobody")
    } else if let Some(key) = key {
        settings.push(("google_service_account_key", key.text));
        (key.name, "service_account")
    } else if let Some((name, path)) = paths.into_iter().find_map(path) {
        settings.push(("google_service_account_path", file(env, &name, &path)?));
        (name, "service_account")
    } else if let Some((name, path)) = path("GOOGLE_APPLICATION_CREDENTIALS") {
        settings.push(("google_application_credentials", file(env, &name, &path)?));
        (name, "application_default")
    } else if env
        .home()
        .is_some_and(|home| home.join(WELL_KNOWN).is_file())
    {
        (format!("~/{WELL_KNOWN}"), "application_default")
    } else {
        (
            "the machine's own service account, if it has one".to_owned(),
            "identity",
        )
    };
    Ok(Found {
        source,
        credentials: Bucket {
            kind,
            fields: vec![("url", "endpoint", shown)],
            settings,
        },
    })
}

/// The path of a file that must be there.
fn file(
    env: &Environment<'_>,
    name: &str,
    path: &Path,
) -> Result<Zeroizing<String>, CredentialsError> {
    env.bytes(path, &format!("the file that {name} names"))?;
    let path = env.here.join(path);
    let text = path.to_str().ok_or_else(|| CredentialsError::Unlike {
        name: name.to_owned(),
        expected: "text in UTF-8",
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}
