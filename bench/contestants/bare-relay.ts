/** The least that a WebSocket relay in Node can be: no tickets, no rights, no handshake, nothing but bytes. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { WebSocketServer } from "ws";

/** With a file of a certificate and its key, by TLS. */
const [host = "", port = "", pemFile] = process.argv.slice(2);
const HIGH_WATER_BYTES = 1024 * 1024;

const pem = pemFile === undefined ? undefined : readFileSync(pemFile);
const server = pem === undefined ? createServer() : createTlsServer({ cert: pem, key: pem });
new WebSocketServer({ server, perMessageDeflate: false }).on("connection", (viewer) => {
  const upstream = connect({ host, port: Number(port), noDelay: true });
  upstream.on("data", (chunk) => {
    viewer.send(chunk, () => upstream.resume());
    if (viewer.bufferedAmount > HIGH_WATER_BYTES) upstream.pause();
  });
  viewer.on("message", (data) => Buffer.isBuffer(data) && upstream.write(data));
  viewer.on("close", () => upstream.destroy());
  viewer.on("error", () => upstream.destroy());
  upstream.on("close", () => viewer.close());
  upstream.on("error", () => viewer.terminate());
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () =>
  console.log(JSON.stringify(server.address() satisfies AddressInfo | string | null)),
);
process.on("disconnect", () => process.exit(0));
