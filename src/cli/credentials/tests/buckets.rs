//! What lets us into buckets.

use super::*;

impl Made {
    fn bucket(&self, service: Service) -> Result<(String, Vec<String>), String> {
        let found = self.ask(None, |from| buckets(from, service).map_err(said))?;
        let mut settings: Vec<_> = found
            .credentials
            .iter()
            .map(|(name, value)| format!("{name}={}", value.as_str()))
            .collect();
        settings.sort();
        Ok((self.plain(&found.source), settings))
    }

    fn s3(&self) -> (String, Vec<String>) {
        self.bucket(Service::S3).unwrap()
    }
}

const FILES: [(&str, &str); 2] = [
    (
        ".aws/credentials",
        "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = canary7f3a1\n\
         [two]\naws_access_key_id = AKIATWO\naws_secret_access_key = canary7f3a2\n\
         aws_session_token = canary7f3a3\n",
    ),
    (
        ".aws/config",
        "[default]\nregion = eu-west-1\n[profile two]\nregion = eu-west-2\n\
         endpoint_url = https://minio.example/\n[profile sso]\nsso_session = x\n\
         [profile role]\nrole_arn = arn:x\nsource_profile = two\n",
    ),
];

fn with_files(variables: &[(&str, &str)]) -> Made {
    let made = Made::new(variables);
    FILES
        .into_iter()
        .fold(made, |made, (name, text)| made.file(name, text))
}

#[test]
fn variables_win_over_a_profile_which_still_says_where() {
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", CANARY),
    ];
    let (source, settings) = with_files(&keys).s3();
    assert_eq!(source, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    assert_eq!(
        settings,
        [
            "aws_access_key_id=AKIAENV",
            "aws_region=eu-west-1",
            "aws_secret_access_key=canary7f3a",
        ]
    );
    let made = with_files(&keys).with(&[("AWS_DEFAULT_REGION", "x-1"), ("AWS_SESSION_TOKEN", "t")]);
    let (_, settings) = made.s3();
    assert_eq!(settings.len(), 4);
    assert!(settings.contains(&"aws_region=x-1".to_owned()));
    let made = made.with(&[
        ("AWS_REGION", "y-1"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000/"),
    ]);
    let (_, settings) = made.s3();
    assert!(settings.contains(&"aws_region=y-1".to_owned()));
    assert!(settings.contains(&"aws_endpoint_url_s3=http://127.0.0.1:9000".to_owned()));
}

#[test]
fn a_profile_is_read_of_both_files() {
    let (source, settings) = with_files(&[]).s3();
    assert_eq!(source, "the profile `default` in ~/.aws/credentials");
    assert_eq!(settings.len(), 3, "{settings:?}");
    let (_, settings) = with_files(&[("AWS_PROFILE", "two")]).s3();
    assert_eq!(
        settings,
        [
            "aws_access_key_id=AKIATWO",
            "aws_endpoint_url_s3=https://minio.example",
            "aws_region=eu-west-2",
            "aws_secret_access_key=canary7f3a2",
            "aws_session_token=canary7f3a3",
        ]
    );
    let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    let (_, settings) = with_files(&[("AWS_PROFILE", "two"), ignored]).s3();
    assert_eq!(settings.len(), 4, "{settings:?}");
    let moved = Made::new(&[("AWS_SHARED_CREDENTIALS_FILE", "elsewhere")]);
    let (source, _) = moved.file("elsewhere", FILES[0].1).s3();
    assert_eq!(source, "the profile `default` in elsewhere");
}

#[test]
fn what_cannot_be_used_says_what_to_do() {
    for (variables, says) in [
        (
            &[("AWS_PROFILE", "sso")][..],
            "the aws profile `sso` has sso_session, which only the aws CLI itself follows|let it say \
             what it knows: eval \"$(aws configure export-credentials --profile 'sso' --format env)\"",
        ),
        (
            &[("AWS_PROFILE", "role")],
            "the aws profile `role` has role_arn, which only the aws CLI itself follows",
        ),
        (
            &[("AWS_PROFILE", "three")],
            "the aws CLI's files have no profile of the name that AWS_PROFILE is set to|see `aws configure list-profiles`, or \
             unset AWS_PROFILE",
        ),
        (
            &[("AWS_ACCESS_KEY_ID", "AKIA")],
            "the credentials for S3 are incomplete: AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is \
             not|",
        ),
        (
            &[("AWS_ENDPOINT_URL", "http://minio:9000")],
            "cannot use the URL in AWS_ENDPOINT_URL|it is not encrypted: http is for this machine only",
        ),
        (
            &[
                ("AWS_SECRET_ACCESS_KEY", CANARY),
                ("AWS_SECRET_ACCESS_KEY_FILE", "x"),
            ],
            "AWS_SECRET_ACCESS_KEY and AWS_SECRET_ACCESS_KEY_FILE are both set",
        ),
    ] {
        let error = with_files(variables).bucket(Service::S3).unwrap_err();
        assert!(error.starts_with(says), "{error}");
    }
    let nobody = Made::new(&[("AWS_EC2_METADATA_DISABLED", "true")]);
    let error = nobody.bucket(Service::S3).unwrap_err();
    assert!(error.starts_with("there are no credentials for S3: looked for AWS_ACCESS_KEY_ID"));
    let (source, settings) = Made::new(&[]).s3();
    assert_eq!(
        (source.as_str(), settings.len()),
        ("the machine's own role, if it has one", 0)
    );
}

#[test]
fn a_secret_in_the_place_of_its_key_is_not_shown() {
    let swapped = [
        ("AWS_ACCESS_KEY_ID", CANARY),
        ("AWS_SECRET_ACCESS_KEY", "AKIA"),
    ];
    let lines = Made::new(&swapped).ask(None, lines);
    let text: String = lines.iter().flat_map(Line::for_people).collect();
    assert!(
        text.contains("access key ********") && !text.contains(CANARY),
        "{text}"
    );
}

#[test]
fn roles_come_behind_keys_and_in_front_of_the_machine() {
    let web = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
        ("AWS_ROLE_ARN", "arn:x"),
    ];
    let (source, settings) = with_files(&web).s3();
    assert_eq!(source, "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN");
    assert!(
        settings.contains(&"aws_role_arn=arn:x".to_owned()),
        "{settings:?}"
    );
    let (source, _) = Made::new(&[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")]).s3();
    assert_eq!(source, "AWS_CONTAINER_CREDENTIALS_…");
    let (source, settings) = with_files(&[("AWS_SKIP_SIGNATURE", "true")]).s3();
    assert_eq!(source, "AWS_SKIP_SIGNATURE: nobody");
    assert_eq!(
        settings,
        ["aws_region=eu-west-1", "aws_skip_signature=true"]
    );
}

#[test]
fn azure_has_an_account_and_what_proves_it() {
    let of = |variables: &[(&str, &str)]| Made::new(variables).bucket(Service::Azure);
    let account = ("AZURE_STORAGE_ACCOUNT", "acc");
    let (source, settings) = of(&[account, ("AZURE_STORAGE_KEY", CANARY)]).unwrap();
    assert_eq!(source, "AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY");
    assert_eq!(
        settings,
        [
            "azure_storage_account_key=canary7f3a",
            "azure_storage_account_name=acc"
        ]
    );
    let (_, settings) = of(&[account, ("AZURE_STORAGE_SAS_TOKEN", CANARY)]).unwrap();
    assert!(settings.contains(&"azure_storage_sas_token=canary7f3a".to_owned()));
    let (source, _) = of(&[account]).unwrap();
    assert_eq!(
        source,
        "AZURE_STORAGE_ACCOUNT and the machine's own identity, if it has one"
    );
    let string = "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=canary7f3a==;\
        BlobEndpoint=http://127.0.0.1:1/acc;";
    let (source, settings) = of(&[("AZURE_STORAGE_CONNECTION_STRING", string)]).unwrap();
    assert_eq!(source, "AZURE_STORAGE_CONNECTION_STRING");
    assert_eq!(
        settings,
        [
            "azure_storage_account_key=canary7f3a==",
            "azure_storage_account_name=acc",
            "azure_storage_endpoint=http://127.0.0.1:1/acc",
        ]
    );
    let emulator = [(
        "AZURE_STORAGE_CONNECTION_STRING",
        "UseDevelopmentStorage=true",
    )];
    let (_, settings) = of(&emulator).unwrap();
    assert!(settings.contains(&"azure_storage_account_name=devstoreaccount1".to_owned()));
    let error = of(&[("AZURE_STORAGE_CONNECTION_STRING", CANARY)]).unwrap_err();
    assert!(error.starts_with("AZURE_STORAGE_CONNECTION_STRING is not a connection string"));
    let error = of(&[]).unwrap_err();
    assert!(
        error.starts_with("there are no credentials for Azure"),
        "{error}"
    );
}

#[test]
fn google_has_a_service_account_or_what_gcloud_left() {
    let of = |made: Made| made.bucket(Service::Google);
    let well_known = ".config/gcloud/application_default_credentials.json";
    let (source, _) = of(Made::new(&[]).file(well_known, "{}")).unwrap();
    assert_eq!(source, format!("~/{well_known}"));
    let path = [("GOOGLE_APPLICATION_CREDENTIALS", "sa.json")];
    let (source, _) = of(Made::new(&path).file("sa.json", "{}")).unwrap();
    assert_eq!(source, "GOOGLE_APPLICATION_CREDENTIALS");
    let error = of(Made::new(&path)).unwrap_err();
    let says =
        "cannot read the file that GOOGLE_APPLICATION_CREDENTIALS names: there is no such file";
    assert!(error.starts_with(says), "{error}");
    let (_, settings) = of(Made::new(&[("STORAGE_EMULATOR_HOST", "localhost:4443")])).unwrap();
    let expected = [
        "google_base_url=http://localhost:4443",
        "google_skip_signature=true",
    ];
    assert_eq!(settings, expected);
}

/// The aws CLI's own library reads the same files.
#[test]
fn a_profile_has_the_values_that_botocore_finds() {
    let script = "import botocore.session as s, sys\n\
        c = s.Session(profile=sys.argv[1]); k = c.get_credentials()\n\
        print(k.access_key, k.secret_key, k.token, c.get_config_variable('region'))";
    for profile in ["default", "two"] {
        let made = with_files(&[("AWS_PROFILE", profile)]);
        let python = std::process::Command::new("python3")
            .args(["-c", script, profile])
            .env("HOME", made.folder.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .output();
        let Some(output) = python.ok().filter(|output| output.status.success()) else {
            return;
        };
        let theirs = String::from_utf8(output.stdout).unwrap();
        let (_, settings) = made.s3();
        let value = |name: &str| {
            let start = format!("{name}=");
            let found = settings
                .iter()
                .find_map(|setting| setting.strip_prefix(&start));
            found.unwrap_or("None").to_owned()
        };
        let ours = [
            value("aws_access_key_id"),
            value("aws_secret_access_key"),
            value("aws_session_token"),
            value("aws_region"),
        ];
        assert_eq!(theirs.trim_end(), ours.join(" "));
    }
}
