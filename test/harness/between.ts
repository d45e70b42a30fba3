import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Somebody between the node and a server, who may say something else than the server did, chunk by chunk. */
export async function startBetween(
  server: { readonly host: string; readonly port: number },
  change: (chunk: Buffer) => Buffer,
) {
  let changed = 0;
  const sockets: Socket[] = [];
  const listener = createServer((near) => {
    const far = connect(server);
    sockets.push(near, far);
    near.on("error", () => {}).on("close", () => far.destroy());
    far.on("error", () => {}).on("close", () => near.destroy());
    near.on("data", (chunk) => void far.write(chunk));
    far.on("data", (chunk) => {
      const said = change(chunk);
      if (said !== chunk) changed++;
      near.write(said);
    });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  return {
    address: { kind: "tcp" as const, host: "127.0.0.1", port },
    get changed() {
      return changed;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}
