/** The least that a WebSocket relay in Node can be: no tickets, no rights, no handshake, nothing but bytes. */
import { type AddressInfo, connect } from "node:net";
import { WebSocketServer } from "ws";

const [host = "", port = ""] = process.argv.slice(2);
const HIGH_WATER_BYTES = 1024 * 1024;

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4096, perMessageDeflate: false });
server.on("connection", (viewer) => {
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
server.on("listening", () =>
  console.log(JSON.stringify(server.address() satisfies AddressInfo | string | null)),
);
process.on("disconnect", () => process.exit(0));
