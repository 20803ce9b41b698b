//! What is asked for which recording.

use zeroize::Zeroizing;

use super::super::*;
use crate::provider::IdKind;

const RT: &str = "RT00000000000000000000000000000001";

fn api(twilio: Option<Twilio>) -> Api {
    let settings = Settings {
        retries: 0,
        authorities: None,
        hosts: Hosts::default(),
    };
    Api::new(
        settings,
        Credentials {
            twilio,
            ..Credentials::default()
        },
    )
}

fn twilio(place: Option<(&str, &str)>) -> Twilio {
    Twilio {
        account: "AC1".to_owned(),
        user: "SK1".to_owned(),
        secret: Zeroizing::new("secret".to_owned()),
        place: place.map(|(region, edge)| (region.to_owned(), edge.to_owned())),
    }
}

fn resource(provider: Provider, kind: IdKind) -> Resource {
    Resource {
        provider,
        kind,
        id: "x".to_owned(),
        account: None,
    }
}

fn remote(state: State) -> Remote {
    Remote {
        provider: Provider::TwilioVideo,
        id: RT.to_owned(),
        document: Vec::new(),
        created: None,
        parent: None,
        account: None,
        duration: None,
        size: None,
        sha256: None,
        state,
        is_data: false,
        place: Place::Api {
            link: Link::parse("https://video.twilio.com/v1/Recordings/RT1/Media").unwrap(),
            missing_until: None,
        },
    }
}

#[test]
fn without_credentials_nobody_is_asked() {
    let selection = Selection::default();
    for (provider, kind) in [
        (Provider::TwilioVoice, IdKind::Recording),
        (Provider::TwilioVideo, IdKind::Track),
        (Provider::Vonage, IdKind::Archive),
        (Provider::Qvoice, IdKind::Recording),
    ] {
        let api = api(None);
        let found = api.recording(&resource(provider, kind), false);
        assert_eq!(found.err(), Some(Error::NoCredentials));
        let list: Vec<_> = api.list(provider, &selection).map(Result::err).collect();
        assert_eq!(list, [Some(Error::NoCredentials)]);
    }
    let request = api(None).request(&remote(State::Ready)).err();
    assert_eq!(request, Some(Error::NoCredentials));
}

#[test]
fn a_group_is_no_recording() {
    let group = resource(Provider::TwilioVoice, IdKind::Call);
    let found = api(Some(twilio(None))).recording(&group, false);
    assert_eq!(found.err(), Some(Error::NoCredentials));
}

#[test]
fn what_is_not_ready_has_no_media() {
    for state in [
        State::NotYet("processing".to_owned()),
        State::Absent(None),
        State::Failed(None),
        State::Deleted,
        State::External(None),
    ] {
        let gone = Error::Gone {
            id: RT.to_owned(),
            state: state.clone(),
        };
        let api = api(Some(twilio(None)));
        assert_eq!(api.request(&remote(state)).err(), Some(gone));
    }
}

#[test]
fn media_of_rooms_lead_on_in_their_body_and_may_be_asked_for_again() {
    let api = api(Some(twilio(Some(("ie1", "dublin")))));
    let media = api.request(&remote(State::Ready)).unwrap();
    assert!(media.redirect_in_body && media.way.request().in_region);
    let again = media.renew.unwrap()().unwrap();
    assert_eq!(again.link, media.way.request().link);
    assert!(matches!(again.auth, client::Auth::Basic { .. }));
}

#[test]
fn a_region_that_is_no_name_is_refused() {
    let api = api(Some(twilio(Some(("evil.com/", "dublin")))));
    let request = api.request(&remote(State::Ready)).err();
    assert!(matches!(request, Some(Error::Credentials(_))));
}

#[test]
fn who_is_asked_is_known_beforehand() {
    let ask: Arc<dyn Ask> = Arc::new(super::client());
    let credentials = Qvoice {
        url: Link::parse("https://q.example/base").unwrap(),
        account: "a".to_owned(),
        token: Zeroizing::new("secret".to_owned()),
    };
    let encryption = Encryption::new(ask, &credentials).unwrap();
    assert_eq!(encryption.host(), "q.example");
    let request = super::request("https://m.example/m");
    assert_eq!(super::media(request).way.host(), "m.example");
}

#[test]
fn without_a_project_of_vonages_there_is_nothing_to_set() {
    let credentials = Credentials {
        vonage: Some(Vonage::default()),
        ..Credentials::default()
    };
    let api = Api::new(Settings::default(), credentials);
    assert!(matches!(api.projects(), Err(Error::NoCredentials)));
}
