// Makes recordings as the providers do, with Node's crypto. See make.py for what it reads and
// writes.

import crypto from "node:crypto";
import fs from "node:fs";

const { RSA_PKCS1_OAEP_PADDING, RSA_PKCS1_PADDING } = crypto.constants;

function cbc(key, iv, plaintext, pads) {
  const cipher = crypto.createCipheriv("aes-256-cbc", key, iv).setAutoPadding(pads);
  return Buffer.concat([cipher.update(plaintext), cipher.final()]);
}

function gcm(key, iv, plaintext) {
  const cipher = crypto.createCipheriv("aes-256-gcm", key, iv);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

for (const line of fs.readFileSync(0, "utf8").trim().split("\n")) {
  const [scheme, publicKey, plaintextPath, prefix] = line.split(" ");
  const der = { key: fs.readFileSync(publicKey), format: "der", type: "spki" };
  const rsa = crypto.createPublicKey(der);
  const plaintext = fs.readFileSync(plaintextPath);
  const key = crypto.randomBytes(32);
  const iv = crypto.randomBytes(scheme === "twilio-voice" ? 12 : 16);
  const wrap = (padding, oaepHash, bytes) =>
    crypto.publicEncrypt({ key: rsa, padding, oaepHash }, bytes);
  let wrapped, media;
  if (scheme === "twilio-voice") {
    wrapped = wrap(RSA_PKCS1_OAEP_PADDING, "sha256", key);
    media = gcm(key, iv, plaintext);
  } else if (scheme === "twilio-video") {
    wrapped = wrap(RSA_PKCS1_PADDING, undefined, key);
    media = cbc(key, iv, plaintext, true);
  } else {
    const password = Buffer.concat([Buffer.from([1, 1, 1]), key, iv]);
    wrapped = wrap(RSA_PKCS1_OAEP_PADDING, "sha1", password);
    media = cbc(key, iv, plaintext, scheme !== "vonage-nopad");
  }
  fs.writeFileSync(`${prefix}.enc`, media);
  fs.writeFileSync(`${prefix}.wrapped`, wrapped.toString("base64"));
  if (!scheme.startsWith("vonage")) fs.writeFileSync(`${prefix}.iv`, iv.toString("base64"));
}
