// Debian's Chromium, driven by puppeteer-core. Nothing that it runs reaches beyond this machine.
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";

// The folder that holds `node_modules`, and the rest of the arguments.
export const [tools, ...args] = process.argv.slice(2);
export const { resolve } = createRequire(`${tools}/`);
const puppeteer = createRequire(`${tools}/`)("puppeteer-core");

export const text = (module) => fs.readFileSync(resolve(module), "utf8");

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--autoplay-policy=no-user-gesture-required",
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
];

/** Runs `what` with a browser, which ends in any case; and then this process, with 1 if that failed. */
export async function within(what, ...flags) {
  const browser = await puppeteer.launch({ executablePath: "/usr/bin/chromium", headless: true, args: [...FLAGS, ...flags] });
  try {
    await what(browser);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

/** Waits until `holds` returns something, and fails after so many seconds. */
export async function until(what, holds, seconds = 30) {
  for (const end = Date.now() + 1000 * seconds; Date.now() < end; ) {
    const value = await holds();
    if (value) return value;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail(`it does not come: ${what}`);
}

/** Answers requests for what `pattern` matches in the server's place: `answer` of a request's URL. */
export async function instead(page, pattern, answer) {
  const session = await page.createCDPSession();
  session.on("Fetch.requestPaused", async ({ requestId, request }) => {
    const { status = 200, type = "text/html", body = "" } = answer(new URL(request.url));
    const responseHeaders = [{ name: "Content-Type", value: type }];
    const encoded = Buffer.from(body).toString("base64");
    await session.send("Fetch.fulfillRequest", { requestId, responseCode: status, responseHeaders, body: encoded });
  });
  await session.send("Fetch.enable", { patterns: [{ urlPattern: pattern }] });
}
