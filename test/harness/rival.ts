import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface Rival extends AsyncDisposable {
  /** Stands in front of a control. */
  readonly url: string;
}

/** A way to control on which somebody else is always quicker: `act` is done before each request of that method, which goes on then. */
export async function startRival(
  control: string,
  { method, act }: { readonly method: string; readonly act: () => Promise<void> },
): Promise<Rival> {
  const server = createServer(async (request, response) => {
    const body = await text(request);
    if (request.method === method) await act();
    const { authorization = "", "content-type": type } = request.headers;
    const answer = await fetch(new URL(request.url ?? "/", control), {
      method: request.method ?? "GET",
      headers: { authorization, ...(type === undefined ? {} : { "content-type": type }) },
      ...(body === "" ? {} : { body }),
    });
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
    response.end(await answer.text());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
