// What is no call: node kinds.mjs TOOLS VIDEO_LINK DOWNLOAD_LINK [FOLDER].
import assert from "node:assert/strict";

import { args, until, within } from "./browser.mjs";
import { looks, open } from "./look.mjs";

const [video, download] = args;

const playing = (page) => page.$eval("video", (media) => !media.paused && media.currentTime > 0);
const loaded = (page) => until("the video is loaded", () => page.$eval("video", (media) => media.videoWidth && media.readyState > 1));

async function a_video_plays(browser) {
  const { page, wrong } = await open(browser, video);
  await loaded(page);
  await page.click("video");
  await until("a click plays it", () => playing(page));
  await page.click("video");
  await until("a click pauses it", () => page.$eval("video", (media) => media.paused));
  await page.keyboard.press("Space");
  await until("the space bar plays it", () => playing(page));
  await page.click("#full");
  await until("it fills the screen", () => page.evaluate(() => document.fullscreenElement?.controls));
  await page.evaluate(() => document.exitFullscreen());
  await until("it does not any more", () => page.$eval("video", (media) => !media.controls));
  assert.deepEqual(wrong, []);
  await page.close();
}

async function a_transport_stream_is_for_taking_away(browser) {
  const { page, wrong } = await open(browser, download);
  assert.equal(await page.$("audio, video"), null);
  const href = await page.$eval("#download", (link) => link.href);
  const { status, headers } = await fetch(href, { method: "HEAD" });
  assert.equal(status, 200);
  assert.match(headers.get("content-disposition"), /^attachment/);
  assert.match(await page.$eval("main", (main) => main.textContent), /Browsers do not play MPEG transport streams\. VLC does/);
  assert.deepEqual(wrong, []);
  await page.close();
}

await within(async (browser) => {
  await a_video_plays(browser);
  await looks(browser, video, "video", { then: loaded });
  await a_transport_stream_is_for_taking_away(browser);
  await looks(browser, download, "download");
});
