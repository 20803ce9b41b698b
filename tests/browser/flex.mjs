// Twilio's own player, `@twilio/flex-insights-player`: node flex.mjs TOOLS SEC_REC_LINK TOKEN. The recording is an
// hour of audio, and links to it live 20 seconds.
//
// The package is a React component. Outside Flex it needs React 16, what Flex keeps for it of who is logged
// in, and three answers of Twilio's Insights API: which recording there is, of which conversation it is a
// part, and that no more is known of it. The page that has it is Flex's by its origin only: requests
// to there are answered in this process.
import assert from "node:assert/strict";

import { args, instead, text, until, within } from "./browser.mjs";

const [link, token] = args;
const SEGMENT = "GT5eed0000000000000000000000000001";
const TTL = 20;

const FILES = {
  "/agent-desktop": { body: `<!doctype html><title>Flex</title><div id="root"></div>
    <script src="/react.js"></script><script src="/react-dom.js"></script><script src="/player.js"></script>` },
  "/react.js": script(text("react/umd/react.production.min.js")),
  "/react-dom.js": script(text("react-dom/umd/react-dom.production.min.js")),
  // It is a module of CommonJS.
  "/player.js": script(`window.player = ((module, require) => { ${text("@twilio/flex-insights-player")}
    ; return module.exports; })({}, (name) => ({ react: React, "react-dom": ReactDOM })[name]);`),
};

function script(body) {
  return { type: "text/javascript", body };
}

/** A page of an origin that is not there. */
async function page_of(browser, origin) {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 720 });
  await instead(page, `${origin}/*`, ({ pathname }) => FILES[pathname] ?? { status: 404 });
  await page.goto(`${origin}/agent-desktop`);
  return page;
}

/** Another origin, and be it one that looks like Flex's, is told nothing. */
async function no_other_origin_reads_a_link(browser) {
  const status = (page) => page.evaluate(async (link, token) => {
    const headers = { Authorization: `Basic ${btoa(`token:${token}`)}` };
    return fetch(link, { headers }).then(({ status }) => status, ({ message }) => message);
  }, link, token);
  const found = [];
  for (const origin of ["https://flex.twilio.com", "https://flex.twilio.com.example.org", "http://flex.twilio.com"]) {
    const page = await page_of(browser, origin);
    found.push(await status(page));
    await page.close();
  }
  assert.deepEqual(found, [200, "Failed to fetch", "Failed to fetch"]);
}

/** As Flex starts it. */
function start(segment, link, token) {
  const metadata = { segment_id: segment, platform: "flex", offset: 0, speakers: ["customer", "agent"] };
  const answers = {
    [`/media/data/${segment}`]: { metadata, _links: { content: [{ type: "VoiceRecording", url_secure: link }] } },
    [`/media/conversation?segment_id=${segment}`]: { _embedded: { segment: [{ segment_id: segment, offset: 0, talk_time: 3600 }] } },
  };
  const get = async (path) => (path in answers ? { data: answers[path] } : Promise.reject(Error("404")));
  const identityClient = { accessToken: token, hasPermission: () => false, axios: { get } };
  const env = { baseUrl: "/player/", mediaApiUrl: "/media" };
  const props = { segmentId: segment, identityClient, flexToken: token, env };
  ReactDOM.render(React.createElement(player.WfoPlayer, props), document.getElementById("root"));
}

async function an_hour_plays_though_links_live_seconds(browser) {
  const page = await page_of(browser, "https://flex.twilio.com");
  const base = new URL(link).origin;
  const sent = []; // Requests, and who they say asks.
  const links = []; // Answers with a link.
  const media = []; // Answers with media.
  page.on("request", (request) => {
    const { authorization } = request.headers();
    if (request.method() === "GET") sent.push([request.url() === link, authorization]);
  });
  page.on("response", async (response) => {
    const url = response.url();
    if (!url.startsWith(base) || response.request().method() !== "GET") return;
    if (url === link) links.push((await response.json()).media_url);
    else media.push({ url, status: response.status() });
  });
  const state = () => page.evaluate(() => {
    const audio = document.querySelector("audio");
    return audio && { time: audio.currentTime, duration: audio.duration, src: audio.src, plays: !audio.paused && !audio.error };
  });
  const plays_on = (from) => until(`it plays on from ${from}`, async () => {
    const now = await state();
    return now?.plays && now.time > from && now.time < from + 60 && now;
  });
  /** Clicks at a share of the player's own waveform. */
  const seek = async (share) => {
    const { x, y, width, height } = await (await page.$(".waveform")).boundingBox();
    await page.mouse.click(x + share * width, y + height / 2);
    return plays_on(3600 * share - 10);
  };

  await page.evaluate(start, SEGMENT, link, token);
  const { duration, src } = await plays_on(0);
  assert.ok(Math.abs(duration - 3600) < 1, `${duration} seconds`);
  const first = await until("there is a link", () => links[0]);
  assert.equal(src, first);
  assert.equal(new URL(src).searchParams.get("X-Amz-Expires"), String(TTL));
  assert.ok(!src.includes(".mp3"));
  await seek(0.8);

  // By itself it asks for another link, once, and goes on where it was.
  let before = 0;
  await until("the link is new", async () => {
    const now = await state();
    if (now.src !== src) return true;
    before = now.time;
  });
  const after = await plays_on(before);
  const second = await until("it was asked for", () => links[1]);
  assert.equal(after.src, second);
  assert.notEqual(second, first);
  assert.equal(links.length, 2);

  // The first one has ended, truly; the second one still leads to every part of the call.
  await until("the first link has ended", async () => (await fetch(first)).status === 404);
  media.length = 0;
  await seek(0.2);
  await seek(0.6);
  assert.ok(media.length > 0 && media.every(({ url, status }) => url === second && status === 206), JSON.stringify(media));

  // Who asks is said where links come from, and nowhere else.
  const basic = `Basic ${btoa(`token:${token}`)}`;
  assert.ok(sent.every(([for_link, authorization]) => authorization === (for_link ? basic : undefined)));
  await page.close();
}

await within(async (browser) => {
  await no_other_origin_reads_a_link(browser);
  await an_hour_plays_though_links_live_seconds(browser);
  // Flex is on the internet, and would ask its user before it talks to this machine.
}, "--disable-features=LocalNetworkAccessChecks");
