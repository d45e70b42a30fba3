/** The least that could answer a question by UDP in Node: whatever comes goes back with the same record behind it. */
import { createSocket } from "node:dgram";
import { once } from "node:events";

const RECORD = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 18, 0, 1]);

const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
socket.on("message", (message, { port, address }) => {
  const answer = Buffer.concat([message, RECORD]);
  answer.writeUInt16BE(0x8400, 2);
  answer.writeUInt16BE(1, 6);
  socket.send(answer, port, address);
});
const listening = once(socket, "listening");
socket.bind(0, "127.0.0.1");
await listening;
process.stdout.write(`${socket.address().port}\n`);
