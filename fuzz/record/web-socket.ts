import { once } from "node:events";
import { connect } from "node:net";
import { concat } from "#base/bytes.ts";
import { agreeOnSecurity, enterAsAgreed } from "#protocols/rfb/upstream-handshake.ts";
import { encryptDes } from "#proxy/des.ts";
import { overWebSocket } from "#proxy/upstream-web-socket.ts";
import { repeatable, upstreamOptions } from "../targets/rfb-handshake.ts";
import { heard, type RfbServer, silence } from "./rfb.ts";

const END_OF_HEAD = "\r\n\r\n";

/** What a server without security answers and sends by WebSocket, as far as ServerInit. */
export async function recordWebSocket({ host, port, path }: RfbServer & { readonly path: string }): Promise<{
  readonly head: Uint8Array;
  readonly frames: Uint8Array;
}> {
  const signal = silence();
  const socket = connect({ host, port });
  await once(socket, "connect", { signal });
  const said: Uint8Array[] = [];
  // It says nothing before it is asked, so nothing is lost to whom listens next.
  socket.on("data", (chunk) => void said.push(chunk));
  const address = { kind: "websocket", host, port, path, isSecure: false } as const;
  const stream = await overWebSocket(socket, { address, signal });
  try {
    const send = (bytes: Uint8Array) => void stream.write(bytes);
    const options = { ...upstreamOptions({ tls: [] }, repeatable, send), encryptDes };
    const { result: agreed } = await heard(stream, () => agreeOnSecurity(options), signal);
    if (agreed !== undefined) await heard(stream, () => enterAsAgreed(agreed, options), signal);
  } finally {
    stream.destroy();
  }
  const all = Buffer.from(concat(said));
  const end = all.indexOf(END_OF_HEAD) + END_OF_HEAD.length;
  return { head: all.subarray(0, end), frames: all.subarray(end) };
}
