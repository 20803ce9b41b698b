//! `unreel serve` in Debian's Chromium: the listening page, and the player that Twilio publishes for
//! Flex Insights. Node drives it (the scripts beside this file); `.ci/run` installs what they need.

mod scene;

use scene::{ACCOUNT, CALL, DOWNLOAD, HOUR, Scene, TOKEN, VIDEO, has, run};

/// The page of a call, as far as `part` of the script goes.
fn listens(part: &str) {
    if !has(&["puppeteer-core", "axe-core"]) {
        return;
    }
    let scene = Scene::demo(&[CALL]);
    run("listen.mjs", &[part, &scene.listen(CALL)]);
}

#[test]
fn a_call_is_listened_to_by_pointer_and_by_keys() {
    listens("works");
}

#[test]
fn a_page_that_plays_is_one_that_axe_finds_nothing_in() {
    listens("plays");
}

#[test]
fn a_page_whose_link_ends_is_one_that_axe_finds_nothing_in() {
    listens("ends");
}

#[test]
fn a_video_plays_and_a_transport_stream_is_a_download() {
    if !has(&["puppeteer-core", "axe-core"]) {
        return;
    }
    let scene = Scene::demo(&[VIDEO, DOWNLOAD]);
    run(
        "kinds.mjs",
        &[&scene.listen(VIDEO), &scene.listen(DOWNLOAD)],
    );
}

#[test]
fn twilios_own_player_plays_an_hour_with_links_that_live_20_seconds() {
    let packages = [
        "puppeteer-core",
        "react",
        "react-dom",
        "@twilio/flex-insights-player",
    ];
    if !has(&packages) {
        return;
    }
    let scene = Scene::flex(&[HOUR]);
    let link = format!("{}/sec_rec?recording_sid={HOUR}", scene.base);
    run("flex.mjs", &[&link, TOKEN]);
}

#[test]
fn the_authenticated_mode_of_flex_decodes_a_call_for_its_own_waveform() {
    if !has(&["puppeteer-core"]) {
        return;
    }
    let scene = Scene::flex(&[CALL]);
    let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Recordings/{CALL}");
    let seconds = scene::seconds(CALL).to_string();
    run(
        "api.mjs",
        &[&format!("{}{path}", scene.base), TOKEN, &seconds],
    );
}
