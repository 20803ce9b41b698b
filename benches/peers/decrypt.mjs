// Streaming decryption as Node's documentation shows it: node decrypt.mjs gcm|cbc KEY IV IN OUT
import { createDecipheriv } from "node:crypto";
import { createReadStream, createWriteStream, openSync, readSync, statSync } from "node:fs";
import { pipeline } from "node:stream/promises";

const [mode, key, iv, input, output] = process.argv.slice(2);
const decipher = createDecipheriv(`aes-256-${mode}`, Buffer.from(key, "hex"), Buffer.from(iv, "hex"));
const options = {};
if (mode === "gcm") {
  const body = statSync(input).size - 16;
  const tag = Buffer.alloc(16);
  readSync(openSync(input), tag, 0, 16, body);
  decipher.setAuthTag(tag);
  options.end = body - 1;
}
await pipeline(createReadStream(input, options), decipher, createWriteStream(output));
