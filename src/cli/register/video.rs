//! `unreel register twilio-video`: settings of recordings and compositions.

use serde::Serialize;

use super::hands::{Hands, result, shown};
use super::twilio::{key_id, twilio_api};
use crate::api::{MediaKind, MediaSettings};
use crate::cli::args::VideoSettings;
use crate::cli::error::Failure;
use crate::cli::printer::Printer;
use crate::job::register::video::{self, Changing, Shown, Wanted};

pub(super) fn run(args: &VideoSettings, printer: &Printer) -> Result<(), Failure> {
    if let Some(sid) = &args.public_key_sid {
        key_id(sid)?;
    }
    let mut kinds = Vec::new();
    kinds.extend(args.recordings.then_some(MediaKind::Recordings));
    kinds.extend(args.compositions.then_some(MediaKind::Compositions));
    let api = || {
        twilio_api(
            args.profile.twilio_profile.as_deref(),
            &args.change.network,
            printer,
        )
    };
    if kinds.is_empty() {
        if args.disable || args.public_key_sid.is_some() {
            return Err(Failure::Usage(
                "nothing says which settings are meant",
                "add --recordings, --compositions, or both",
            ));
        }
        let now = video::show(&api()?)?;
        return shown(args.change.json, printer, &Line::of(&now), &lines(&now));
    }
    let hands = Hands::new(&args.change, printer)?;
    let api = api()?;
    let wanted = Wanted {
        kinds,
        key: args.public_key_sid.clone(),
        enabled: !args.disable,
    };
    let prepared = video::change(&api, &wanted)?;
    let Some(now) = hands.carry_out(prepared, &api, preview)? else {
        return Ok(());
    };
    let mut text = lines(&now);
    if now.is_changed {
        text.push(String::new());
        text.push("It holds for what is recorded from now on.".to_owned());
    } else {
        text.push("Nothing is to be changed: it is so already.".to_owned());
    }
    result(&args.change, printer, &Line::of(&now), &text)
}

fn name(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Recordings => "recordings",
        MediaKind::Compositions => "compositions",
    }
}

fn preview(changing: &Changing) -> Vec<String> {
    let mut lines = vec!["Will change the settings of Twilio Video:".to_owned()];
    for change in &changing.changes {
        let none = MediaSettings::default();
        let (now, new) = (change.now.as_ref().unwrap_or(&none), &change.wanted);
        let name = name(change.kind);
        lines.push(format!("  {name}  encryption  {} -> {}", on(now), on(new)));
        if now.encryption_key_sid != new.encryption_key_sid {
            let key = |settings: &MediaSettings| text(settings.encryption_key_sid.as_deref());
            lines.push(format!(
                "  {name}  key         {} -> {}",
                key(now),
                key(new)
            ));
        }
        lines.push(format!("  {name}  storage     {}, stays", storage(new)));
        if new.encryption_enabled && change.kind == MediaKind::Recordings {
            lines.push(
                "Encrypted recordings cannot be composed: \"If you need to compose your Recordings, you \
                 must store them unencrypted.\""
                    .to_owned(),
            );
        }
    }
    lines
}

fn on(settings: &MediaSettings) -> &'static str {
    if settings.encryption_enabled {
        "on"
    } else {
        "off"
    }
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or("none").to_owned()
}

fn storage(settings: &MediaSettings) -> String {
    match (settings.aws_storage_enabled, &settings.aws_s3_url) {
        (true, Some(url)) => format!("in {url}"),
        (true, None) => "in a bucket of yours".to_owned(),
        (false, _) => "at Twilio".to_owned(),
    }
}

fn lines(now: &Shown) -> Vec<String> {
    let settings = now.settings.iter().map(|(kind, settings)| {
        let name = name(*kind);
        match settings {
            None => format!("{name}  not encrypted: there are no settings yet"),
            Some(settings) if settings.encryption_enabled => format!(
                "{name}  encrypted for {}  stored {}",
                text(settings.encryption_key_sid.as_deref()),
                storage(settings)
            ),
            Some(settings) => format!("{name}  not encrypted  stored {}", storage(settings)),
        }
    });
    settings.collect()
}

#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    ok: bool,
    provider: &'static str,
    changed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    recordings: Option<Said<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compositions: Option<Said<'a>>,
}

/// Settings; `null` where there are none.
#[derive(Serialize)]
struct Said<'a>(Option<&'a MediaSettings>);

impl<'a> Line<'a> {
    fn of(now: &'a Shown) -> Self {
        let of = |wanted| {
            let found = now.settings.iter().find(|(kind, _)| *kind == wanted);
            found.map(|(_, settings)| Said(settings.as_ref()))
        };
        Self {
            schema: 1,
            ok: true,
            provider: "twilio-video",
            changed: now.is_changed,
            recordings: of(MediaKind::Recordings),
            compositions: of(MediaKind::Compositions),
        }
    }
}
