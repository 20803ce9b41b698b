// What Flex's authenticated mode does: node api.mjs TOOLS RECORDING_LINK TOKEN SECONDS. It fetches the recording from
// where Twilio's API has it, and decodes it for its own waveform.
import assert from "node:assert/strict";

import { args, instead, within } from "./browser.mjs";

const [link, token, seconds] = args;

await within(async (browser) => {
  const page = await browser.newPage();
  await instead(page, "https://flex.twilio.com/*", () => ({ body: "<!doctype html><title>Flex</title>" }));
  await page.goto("https://flex.twilio.com/agent-desktop");
  const decoded = await page.evaluate(async (link, token) => {
    const request = new XMLHttpRequest();
    request.open("GET", link);
    request.responseType = "arraybuffer";
    request.setRequestHeader("Authorization", `Basic ${btoa(`token:${token}`)}`);
    await new Promise((done, failed) => Object.assign(request, { onload: done, onerror: () => failed(Error("no answer")) }).send());
    const { duration, numberOfChannels } = await new AudioContext().decodeAudioData(request.response);
    return { duration, numberOfChannels };
  }, link, token);
  assert.ok(Math.abs(decoded.duration - Number(seconds)) < 0.1, JSON.stringify(decoded));
  assert.equal(decoded.numberOfChannels, 2);
}, "--disable-features=LocalNetworkAccessChecks");
