import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { scratch } from "./scratch.ts";

/** A UNIX socket at which a server of TCP is found. */
export async function startUnixFront(server: { readonly host: string; readonly port: number }) {
  const folder = scratch();
  const path = join(folder.path, "console");
  const sockets = new Set<Socket>();
  const front = createServer((near) => {
    const far = connect(server);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket
        .on("error", () => {})
        .on("close", () => {
          sockets.delete(socket);
          other.destroy();
        });
      socket.pipe(other);
    }
  });
  front.listen(path);
  await once(front, "listening");
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      front.close();
      for (const socket of sockets) socket.destroy();
      await once(front, "close");
      await folder[Symbol.asyncDispose]();
    },
  };
}
