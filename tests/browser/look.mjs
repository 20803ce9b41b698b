// What every page has to keep, whatever it shows.
import assert from "node:assert/strict";

import { args, text } from "./browser.mjs";

const axe = text("axe-core/axe.min.js");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// Pictures of what is looked at are left here, if the last argument is a folder.
const folder = args.at(-1).startsWith("http") ? undefined : args.at(-1);

/** A page, and what went wrong in it so far. */
export async function open(browser, link, before = async () => {}) {
  const page = await browser.newPage();
  const wrong = [];
  page.on("console", (message) => wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith("data:") && new URL(url).origin !== new URL(link).origin) wrong.push(`it asks for ${url}`);
  });
  await page.evaluateOnNewDocument(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective }) => console.error(`against the policy: ${violatedDirective}`));
  });
  await before(page);
  await page.goto(link);
  return { page, wrong };
}

/** Looks at the page in light and dark, at three widths; and at 400 % of 1280, which is the first. */
export async function looks(browser, link, name, { before, then = async () => {}, complains = false } = {}) {
  for (const scheme of ["light", "dark"]) {
    for (const width of [320, 768, 1280]) {
      const what = `${name}-${scheme}-${width}`;
      const { page, wrong } = await open(browser, link, async (page) => {
        await page.setViewport({ width, height: width === 320 ? 256 : 720 });
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
        await before?.(page);
      });
      await then(page);
      const sizes = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(sizes[0] <= sizes[1], `${what} is ${sizes[0]} wide`);
      // For fingers (WCAG 2.2, 2.5.8 asks for 24).
      const small = await page.$$eval("button, input, select, main a", (parts) =>
        parts.filter((part) => part.checkVisibility() && part.getBoundingClientRect().height < 44).map((part) => part.outerHTML));
      assert.deepEqual(small, [], what);
      if (folder) await page.screenshot({ path: `${folder}/${what}.png`, fullPage: true });
      // What is looked at is what was sent: the source runs beside the page's own script.
      await page.evaluate(axe);
      const found = await page.evaluate(async (values) => (await axe.run({ runOnly: { type: "tag", values } })).violations, RULES);
      const named = found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
      assert.deepEqual(named, [], what);
      if (!complains) assert.deepEqual(wrong, [], what);
      await page.close();
    }
  }
}
