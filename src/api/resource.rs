//! URLs of recordings at their providers' hosts.

use url::Url;

use super::hosts::{Hosts, Service};
use super::remote::Resource;
use crate::provider::{IdKind, Provider};

/// The recording, or the group of recordings, that the URL `text` is the resource or the media of,
/// at the host of its provider or what stands in for that.
///
/// Callbacks have links with `http`: those are resources too, and asked for over `https`.
pub(crate) fn resource(hosts: &Hosts, text: &str) -> Option<Resource> {
    let url = Url::parse(text).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let at = |service| hosts.path(service, &url);
    at(Service::TwilioApi)
        .and_then(|path| voice(&path))
        .or_else(|| video(&at(Service::TwilioVideo)?))
        .or_else(|| archive(&at(Service::VonageVideo)?))
        .or_else(|| archive(&at(Service::OpenTok)?))
}

/// `/2010-04-01/Accounts/AC…/Recordings/RE…`, also below a call or a conference, of which
/// `/Recordings` is the list. With an extension or without.
fn voice(path: &[&str]) -> Option<Resource> {
    let ["2010-04-01", "Accounts", account, rest @ ..] = path else {
        return None;
    };
    let (id, kinds): (_, &[_]) = match rest {
        ["Recordings", id] | ["Calls" | "Conferences", _, "Recordings", id] => {
            (stem(id), &[IdKind::Recording])
        }
        ["Calls", id, "Recordings" | "Recordings.json"] => (*id, &[IdKind::Call]),
        ["Conferences", id, "Recordings" | "Recordings.json"] => (*id, &[IdKind::Conference]),
        _ => return None,
    };
    let found = one_of(Provider::TwilioVoice, kinds, id)?;
    is_account(account).then(|| Resource {
        account: Some((*account).to_owned()),
        ..found
    })
}

/// `/v1/Recordings/RT…`, `/v1/Compositions/CJ…`, with `/Media` or without; also below a room, of
/// which `/Recordings` is the list.
fn video(path: &[&str]) -> Option<Resource> {
    if let ["v1", "Rooms", id, "Recordings"] = path {
        return one_of(Provider::TwilioVideo, &[IdKind::Room], id);
    }
    let path = path.strip_suffix(&["Media"]).unwrap_or(path);
    let (id, kind) = match path {
        ["v1", "Recordings", id] | ["v1", "Rooms", _, "Recordings", id] => (*id, IdKind::Track),
        ["v1", "Compositions", id] => (*id, IdKind::Composition),
        _ => return None,
    };
    one_of(Provider::TwilioVideo, &[kind], id)
}

/// `/v2/project/{application or project}/archive/{UUID}`.
fn archive(path: &[&str]) -> Option<Resource> {
    match path {
        ["v2", "project", _, "archive", id] => one_of(Provider::Vonage, &[IdKind::Archive], id),
        _ => None,
    }
}

fn one_of(provider: Provider, kinds: &[IdKind], id: &str) -> Option<Resource> {
    let kind = provider.id(id).filter(|kind| kinds.contains(kind))?;
    Some(Resource {
        provider,
        kind,
        id: id.to_owned(),
        account: None,
    })
}

/// The id in a path, without the extension of a form that it is given in.
fn stem(id: &str) -> &str {
    let stem = |extension| id.strip_suffix(extension);
    [".json", ".wav", ".mp3"]
        .into_iter()
        .find_map(stem)
        .unwrap_or(id)
}

fn is_account(text: &str) -> bool {
    let digits = text.strip_prefix("AC").unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::super::scripted::link;
    use super::*;

    const AC: &str = "AC00000000000000000000000000000001";
    const RE: &str = "RE557ce644e5ab84fa21cc21112e22c485";
    const CA: &str = "CA8dfedb55c129dd4d6bd1f59af9d11080";
    const CF: &str = "CF8dfedb55c129dd4d6bd1f59af9d11080";
    const RT: &str = "RT00000000000000000000000000000001";
    const CJ: &str = "CJ00000000000000000000000000000001";
    const RM: &str = "RM00000000000000000000000000000001";
    const UUID: &str = "b40ef09b-3811-4726-b508-e41a0f96c68f";

    fn found(hosts: &Hosts, text: &str) -> Option<(Provider, IdKind, String, Option<String>)> {
        let found = resource(hosts, text)?;
        Some((found.provider, found.kind, found.id, found.account))
    }

    #[test]
    fn urls_of_calls_recordings_are_known() {
        for base in [
            "https://api.twilio.com",
            "http://api.twilio.com",
            "https://api.twilio.com:443",
            "https://API.Twilio.com",
            "https://api.dublin.ie1.twilio.com",
            "https://api.ie1.twilio.com",
        ] {
            for (path, kind, id) in [
                (format!("/Recordings/{RE}"), IdKind::Recording, RE),
                (format!("/Recordings/{RE}/"), IdKind::Recording, RE),
                (format!("/Recordings/{RE}.json"), IdKind::Recording, RE),
                (
                    format!("/Recordings/{RE}.wav?RequestedChannels=2"),
                    IdKind::Recording,
                    RE,
                ),
                (format!("/Recordings/{RE}.mp3#x"), IdKind::Recording, RE),
                (
                    format!("/Calls/{CA}/Recordings/{RE}"),
                    IdKind::Recording,
                    RE,
                ),
                (
                    format!("/Calls/{CA}/Recordings/{RE}.json"),
                    IdKind::Recording,
                    RE,
                ),
                (
                    format!("/Conferences/{CF}/Recordings/{RE}"),
                    IdKind::Recording,
                    RE,
                ),
                (format!("/Calls/{CA}/Recordings"), IdKind::Call, CA),
                (
                    format!("/Calls/{CA}/Recordings.json?PageSize=1"),
                    IdKind::Call,
                    CA,
                ),
                (
                    format!("/Conferences/{CF}/Recordings/"),
                    IdKind::Conference,
                    CF,
                ),
            ] {
                let url = format!("{base}/2010-04-01/Accounts/{AC}{path}");
                let account = Some(AC.to_owned());
                let expected = Some((Provider::TwilioVoice, kind, id.to_owned(), account));
                assert_eq!(found(&Hosts::default(), &url), expected, "{url}");
            }
        }
    }

    #[test]
    fn urls_of_rooms_recordings_and_of_archives_are_known() {
        let video = Provider::TwilioVideo;
        for (url, provider, kind, id) in [
            (
                format!("https://video.twilio.com/v1/Recordings/{RT}"),
                video,
                IdKind::Track,
                RT,
            ),
            (
                format!("https://video.twilio.com/v1/Recordings/{RT}/Media"),
                video,
                IdKind::Track,
                RT,
            ),
            (
                format!("http://video.twilio.com/v1/Recordings/{RT}/Media/?Ttl=600"),
                video,
                IdKind::Track,
                RT,
            ),
            (
                format!("https://video.sydney.au1.twilio.com/v1/Rooms/{RM}/Recordings/{RT}/Media"),
                video,
                IdKind::Track,
                RT,
            ),
            (
                format!("https://video.twilio.com/v1/Compositions/{CJ}/"),
                video,
                IdKind::Composition,
                CJ,
            ),
            (
                format!("https://video.twilio.com/v1/Rooms/{RM}/Recordings"),
                video,
                IdKind::Room,
                RM,
            ),
            (
                format!("https://video.api.vonage.com/v2/project/a-b/archive/{UUID}"),
                Provider::Vonage,
                IdKind::Archive,
                UUID,
            ),
            (
                format!("https://api.opentok.com/v2/project/47000000/archive/{UUID}/"),
                Provider::Vonage,
                IdKind::Archive,
                UUID,
            ),
        ] {
            let expected = Some((provider, kind, id.to_owned(), None));
            assert_eq!(found(&Hosts::default(), &url), expected, "{url}");
        }
    }

    #[test]
    fn other_urls_are_none_of_a_recording() {
        let path = format!("/2010-04-01/Accounts/{AC}/Recordings/{RE}");
        for url in [
            String::new(),
            path.clone(),
            RE.to_owned(),
            format!("api.twilio.com{path}"),
            format!("https://example.com{path}"),
            format!("https://video.twilio.com{path}"),
            format!("https://api.twilio.com.evil.com{path}"),
            format!("https://evilapi.twilio.com{path}"),
            format!("https://api.a.b.c.twilio.com{path}"),
            format!("https://api..twilio.com{path}"),
            format!("https://api.twilio.com:8443{path}"),
            format!("https://{AC}:token@api.twilio.com{path}"),
            format!("https://user@api.twilio.com{path}"),
            format!("ftp://api.twilio.com{path}"),
            format!("https://api.twilio.com{path}.exe"),
            format!("https://api.twilio.com{path}.wav.wav"),
            format!("https://api.twilio.com{path}/Media"),
            format!("https://api.twilio.com{path}0"),
            format!("https://api.twilio.com/{path}"),
            format!("https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/{RE}"),
            format!("https://api.twilio.com/2010-04-01/Accounts/{AC}/Recordings"),
            format!("https://api.twilio.com/2010-04-01/Accounts/{AC}/Recordings/{CA}"),
            format!("https://api.twilio.com/2010-04-01/Accounts/{AC}/Calls/{CF}/Recordings"),
            format!("https://api.twilio.com/v1/Recordings/{RT}"),
            format!("https://video.twilio.com/v1/Compositions/{RT}"),
            format!("https://video.twilio.com/v1/Recordings/{RT}/Media/x"),
            format!("https://video.twilio.com/v1/Rooms/{RM}"),
            format!("https://video.twilio.com/v1/Rooms/{RM}/Recordings/Media"),
            format!("https://video.eu.api.vonage.com/v2/project/a/archive/{UUID}"),
            format!("https://video.api.vonage.com/v2/project/a/archive/{RE}"),
            "https://video.api.vonage.com/v2/project/a/archive".to_owned(),
            "data:text/plain,x".to_owned(),
        ] {
            assert_eq!(found(&Hosts::default(), &url), None, "{url}");
        }
    }

    #[test]
    fn what_stands_in_for_a_provider_has_its_recordings() {
        let base = link("http://127.0.0.1:9/p");
        let hosts = Hosts {
            twilio_api: Some(base.clone()),
            twilio_video: Some(base),
            ..Hosts::default()
        };
        let path = format!("/2010-04-01/Accounts/{AC}/Recordings/{RE}.wav");
        let id = |url: &str| found(&hosts, url).map(|found| found.2);
        assert_eq!(
            id(&format!("http://127.0.0.1:9/p{path}")).as_deref(),
            Some(RE)
        );
        assert_eq!(
            id(&format!("http://127.0.0.1:9/p/v1/Recordings/{RT}")).as_deref(),
            Some(RT)
        );
        assert_eq!(
            id(&format!("https://api.twilio.com{path}")).as_deref(),
            Some(RE)
        );
        assert_eq!(id(&format!("http://127.0.0.1:9{path}")), None);
        assert_eq!(id(&format!("http://127.0.0.1:8/p{path}")), None);
        assert_eq!(id(&format!("https://127.0.0.1:9/p{path}")), None);
        assert_eq!(id("http://127.0.0.1:9/"), None);
    }
}
