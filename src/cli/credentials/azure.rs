//! What lets us into containers of Azure: the variables of the az CLI and of Azure's libraries.

use zeroize::Zeroizing;

use super::super::error::CredentialsError;
use super::buckets::{Bucket, endpoint, variables};
use super::environment::{Depth, Environment, Value};
use super::found::Found;
use crate::store::Setting;

const NAME: &str = "Azure";

/// Where it is looked, in this order.
const PLACES: &[&str] = &[
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_ACCOUNT with AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET or \
     AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_STORAGE_ACCOUNT and the machine's own identity",
];

/// Variables that are settings as they are.
const VARIABLES: &[(&str, &str)] = &[
    ("AZURE_TENANT_ID", "azure_tenant_id"),
    ("AZURE_CLIENT_ID", "azure_client_id"),
    ("AZURE_FEDERATED_TOKEN_FILE", "azure_federated_token_file"),
    ("AZURE_AUTHORITY_HOST", "azure_authority_host"),
    ("AZURE_USE_AZURE_CLI", "azure_use_azure_cli"),
    ("AZURE_SKIP_SIGNATURE", "azure_skip_signature"),
    ("IDENTITY_ENDPOINT", "azure_identity_endpoint"),
];

/// "`UseDevelopmentStorage=true`": the account, key and place of the emulator, which everybody knows
/// (Azure Storage, Use the Azurite emulator).
const EMULATOR: &str = "AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT\
    50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;\
    BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1";

/// What lets us into containers of Azure.
pub(super) fn find(env: &Environment<'_>) -> Result<Found<Bucket>, CredentialsError> {
    let depth = Depth::Directory;
    let mut settings = variables(env, VARIABLES);
    let mut account = env.first(
        &["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"],
        depth,
    )?;
    let mut source = Vec::new();
    let mut url = None;
    let string = env.find("AZURE_STORAGE_CONNECTION_STRING", depth)?;
    if let Some(string) = string {
        let parts = connection(&string.text).ok_or(CredentialsError::Unlike {
            name: string.name.clone(),
            expected: "a connection string: NAME=VALUE;NAME=VALUE",
        })?;
        source.push(string.name.clone());
        for (name, value) in parts {
            match name.as_str() {
                "accountname" => {
                    account = Some(Value::given(&*string.name, value));
                }
                "accountkey" => settings.push(("azure_storage_account_key", value)),
                "sharedaccesssignature" => settings.push(("azure_storage_sas_token", value)),
                "blobendpoint" => url = Some(value),
                _ => {}
            }
        }
    } else {
        let key = [
            "AZURE_STORAGE_KEY",
            "AZURE_STORAGE_ACCOUNT_KEY",
            "AZURE_STORAGE_ACCESS_KEY",
        ];
        let secrets: [(&[&str], &'static str); 3] = [
            (&key, "azure_storage_account_key"),
            (
                &["AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY"],
                "azure_storage_sas_token",
            ),
            (&["AZURE_CLIENT_SECRET"], "azure_client_secret"),
        ];
        for (names, setting) in secrets {
            if let Some(value) = env.first(names, depth)? {
                source.push(value.name);
                settings.push((setting, value.text));
            }
        }
    }
    let Some(account) = account else {
        return Err(CredentialsError::None {
            provider: NAME,
            places: PLACES,
        });
    };
    let url = endpoint(
        env,
        &["AZURE_STORAGE_ENDPOINT", "AZURE_STORAGE_SERVICE_ENDPOINT"],
        url,
    )?;
    let shown = url.as_ref().map(|url| url.to_string());
    settings.extend(url.map(|url| ("azure_storage_endpoint", url)));
    let name = account.text.to_string();
    settings.push(("azure_storage_account_name", account.text));
    let kind = kind(&settings);
    source.insert(0, account.name);
    source.dedup();
    if kind == "identity" {
        source.push("the machine's own identity, if it has one".to_owned());
    }
    Ok(Found {
        source: source.join(" and "),
        credentials: Bucket {
            kind,
            fields: vec![
                ("account", "account", Some(name)),
                ("url", "endpoint", shown),
            ],
            settings,
        },
    })
}

fn kind(settings: &[Setting]) -> &'static str {
    let has = |setting: &str| settings.iter().any(|(name, _)| *name == setting);
    if has("azure_skip_signature") {
        "nobody"
    } else if has("azure_storage_account_key") {
        "account_key"
    } else if has("azure_storage_sas_token") {
        "sas_token"
    } else if has("azure_client_secret") || has("azure_federated_token_file") {
        "application"
    } else {
        "identity"
    }
}

/// The parts of a connection string, by their names in lower case; `None` for what is none.
fn connection(text: &str) -> Option<Vec<(String, Zeroizing<String>)>> {
    let parts = text
        .split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let part = |part: &str| {
        let (name, value) = part.split_once('=')?;
        Some((
            name.trim().to_ascii_lowercase(),
            Zeroizing::new(value.to_owned()),
        ))
    };
    let parts: Vec<_> = parts.map(part).collect::<Option<_>>()?;
    let is_emulator = |(name, value): &(String, Zeroizing<String>)| {
        name == "usedevelopmentstorage" && value.eq_ignore_ascii_case("true")
    };
    if parts.iter().any(is_emulator) {
        return connection(EMULATOR);
    }
    (!parts.is_empty()).then_some(parts)
}
