// A provider of one call recording that speaks HTTP/2, as Node understands it.
// node http2.mjs CERTIFICATE KEY METADATA MEDIA MODE: prints its port, then a line a request.
import http2 from "node:http2";
import fs from "node:fs";

const [certificate, key, metadata, file, mode] = process.argv.slice(2);
const media = fs.readFileSync(file);
const server = http2.createSecureServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) });
let asked = 0;

server.on("stream", (stream, headers) => {
  stream.on("error", () => {});
  const path = headers[":path"];
  console.log(`${path.split("/").at(-1)} ${headers.range ?? "-"} ${headers["if-range"] ?? "-"}`);
  if (path.endsWith(".json")) {
    stream.respond({ ":status": 200, "content-type": "application/json" });
    return stream.end(fs.readFileSync(metadata));
  }
  asked += 1;
  const all = { ":status": 200, etag: '"whole"' };
  if (mode !== "without length") all["content-length"] = media.length;
  const breaks = { "a reset": () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR), "a lost connection": () => stream.session.destroy() }[mode];
  if (breaks && asked === 1) {
    stream.respond(all);
    stream.write(media.subarray(0, 50_000));
    return setTimeout(breaks, 200);
  }
  if (mode === "an early end") {
    stream.respond({ ":status": 200 });
    return stream.end(media.subarray(0, 50_000));
  }
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
  if (from) {
    all[":status"] = 206;
    all["content-range"] = `bytes ${from}-${media.length - 1}/${media.length}`;
    all["content-length"] = media.length - from;
  }
  stream.respond(all);
  stream.end(media.subarray(from));
});
server.on("sessionError", () => {});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
