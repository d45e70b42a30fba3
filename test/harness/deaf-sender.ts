import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";

const PIECE = Buffer.alloc(1024 * 1024, " ");

/** Posts so many MiB of blanks, and listens only when all are written, as many clients do. Answers what came. */
export async function postDeafly(
  origin: string,
  {
    path,
    mebibytes,
    headers = {},
  }: {
    readonly path: string;
    readonly mebibytes: number;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<string> {
  const { hostname, port, host } = new URL(origin);
  const socket = connect(Number(port), hostname);
  const write = promisify<string | Buffer>(socket.write.bind(socket));
  const all = { host, "content-length": String(mebibytes * PIECE.length), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  await write(`POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
  for (let sent = 0; sent < mebibytes; sent += 1) await write(PIECE);
  return await text(socket);
}
