// The listening page: node listen.mjs TOOLS PART LINK [FOLDER], of which the PARTs stand at the end. The
// recording is audio of two channels and of at least 30 seconds. With a FOLDER, pictures of what is looked at
// are left in it.
import assert from "node:assert/strict";

import { args, instead, until, within } from "./browser.mjs";
import { looks, open } from "./look.mjs";

const [part, link] = args;
const MEDIA = "*/media/*";
const WAVEFORM = "*/waveform/*";

const state = (page) =>
  page.evaluate(() => {
    const media = document.querySelector("audio");
    const seek = document.querySelector("#seek");
    const { currentTime: time, duration, paused, playbackRate: rate, volume, preservesPitch } = media;
    const said = seek.getAttribute("aria-valuetext");
    return { time, duration, paused, rate, volume, preservesPitch, at: Number(seek.value), said, name: document.querySelector("#play").ariaLabel };
  });
const near = (a, b) => assert.ok(Math.abs(a - b) < 0.6, `${a} is not ${b}`);
const plays = async (page, from) => until(`it plays on from ${from}`, async () => {
  const { time, paused, name } = await state(page);
  return !paused && name === "Pause" && time > from + 0.3;
});
const pauses = (page) => until("it pauses", async () => {
  const { paused, name } = await state(page);
  return paused && name === "Play";
});
const ready = (page) => until("the recording is loaded", async () => (await state(page)).duration >= 30);

/** Plays, pauses and seeks by every way that there is. */
async function works(browser) {
  const { page, wrong } = await open(browser, link);
  await ready(page);
  const { duration } = await state(page);
  assert.match(await page.$eval("h1", (title) => title.textContent), /^\w+$/);
  assert.equal(await page.title(), await page.$eval("h1", (title) => title.textContent));
  const natural = await until("the waveform is there", () => page.$eval("#waveform", (image) => image.naturalWidth));
  assert.ok(natural > 0);

  // The button; and the space bar, with the focus on nothing.
  await page.click("#play");
  await plays(page, 0);
  await page.click("#play");
  await pauses(page);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Space");
  await plays(page, (await state(page)).time);
  await page.keyboard.press("Space");
  await pauses(page);

  // Arrows, wherever the focus is; the slider goes with them, and says it.
  const move = async (key, by) => {
    const before = (await state(page)).time;
    await page.keyboard.press(key);
    const { time, at, said } = await state(page);
    near(time, before + by);
    near(at, time);
    assert.match(said, /^\d+ seconds? of \d+ (minute|second)s?\b/);
  };
  await move("ArrowRight", 5);
  await move("ArrowRight", 5);
  await move("ArrowLeft", -5);
  await page.focus("#seek");
  await move("ArrowRight", 5);
  await move("ArrowUp", 5);
  await move("ArrowDown", -5);
  await page.focus("#play");
  await move("ArrowLeft", -5);
  await page.focus("#seek");
  await page.keyboard.press("Home");
  near((await state(page)).time, 0);
  await page.keyboard.press("End");
  near((await state(page)).time, duration);

  // Buttons, and native controls that keep their keys.
  await page.focus("#seek");
  await page.keyboard.press("Home");
  await page.click("#forward");
  near((await state(page)).time, 10);
  await page.click("#back");
  near((await state(page)).time, 0);
  await page.select("#speed", "2");
  await page.focus("#volume");
  await page.keyboard.press("ArrowLeft");
  const set = await state(page);
  assert.equal(set.rate, 2);
  assert.ok(set.preservesPitch && set.volume < 1);
  near(set.time, 0);

  // A click on the waveform, and a pull over it.
  const box = await (await page.$("#waveform")).boundingBox();
  const x = (share) => box.x + share * box.width;
  const y = box.y + box.height / 2;
  await page.mouse.click(x(0.5), y);
  near((await state(page)).time, duration / 2);
  await page.mouse.move(x(0.5), y);
  await page.mouse.down();
  await page.mouse.move(x(0.25), y, { steps: 5 });
  await page.mouse.up();
  near((await state(page)).time, duration / 4);
  const touchscreen = page.touchscreen;
  await touchscreen.tap(x(0.75), y);
  near((await state(page)).time, duration * 0.75);

  // It plays on from there, to the end.
  await page.select("#speed", "2");
  await page.keyboard.press("End");
  await page.mouse.click(x(1) - 12, y);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Space");
  await until("it ends", () => page.$eval("audio", (media) => media.ended));
  await pauses(page);
  assert.deepEqual(wrong, []);
  await page.close();
}

const missing = (pattern) => (page) => instead(page, pattern, () => ({ status: 404 }));
/** It says what to do, politely, and offers nothing that does not work. */
async function failed(page) {
  const sentence = /^This link has expired or the recording cannot be played\. .*ask for a new link\.$/;
  await until("it says what to do", () =>
    page.$eval("#failure", ({ textContent }, pattern) => new RegExp(pattern).test(textContent), sentence.source));
  assert.equal(await page.$eval("#failure", ({ role }) => role), "status");
  assert.ok(await page.$$eval("button, input, select, audio", (parts) => parts.every((part) => !part.checkVisibility())));
}

/** With links that end in so many seconds. */
const ends_in = (html, seconds) => (page) =>
  instead(page, link, () => ({ body: html.replace(/data-left="\d+"/, `data-left="${seconds}"`) }));
const notes = (sentence) => (page) =>
  until(sentence, () => page.$eval("#note", ({ textContent, role }, sentence) => role === "status" && textContent.startsWith(sentence), sentence));

/** Without a script, the browser's own player is there. */
async function without_script(browser) {
  const page = await browser.newPage();
  await page.setJavaScriptEnabled(false);
  await page.goto(link);
  const shown = await page.$eval("audio", (media) => media.controls && media.getBoundingClientRect().height > 20);
  assert.ok(shown);
  const hidden = await page.$$eval("#controls, #seek, #keys", (parts) => parts.map((part) => part.getBoundingClientRect().height));
  assert.deepEqual(hidden, [0, 0, 0]);
  await page.close();
}

const PARTS = {
  works,
  plays: async (browser) => {
    await looks(browser, link, "paused", { then: ready });
    await looks(browser, link, "playing", {
      then: async (page) => {
        await ready(page);
        await page.keyboard.press("ArrowRight");
        await page.keyboard.press("Space");
        await plays(page, 5);
      },
    });
    await looks(browser, link, "without-waveform", {
      before: missing(WAVEFORM),
      then: async (page) => {
        await ready(page);
        await until("the waveform goes", () => page.$eval("#picture", (picture) => !picture.querySelector("img")));
        await page.click("#play");
        await plays(page, 0);
      },
      complains: true,
    });
  },
  ends: async (browser) => {
    await looks(browser, link, "failed", { before: missing(MEDIA), then: failed, complains: true });
    const html = await (await fetch(link)).text();
    await looks(browser, link, "soon", { before: ends_in(html, 200), then: notes("This link ends in less than 5 minutes.") });
    await looks(browser, link, "ended", { before: ends_in(html, 1), then: notes("This link has ended.") });
    await without_script(browser);
  },
};
await within(PARTS[part]);
