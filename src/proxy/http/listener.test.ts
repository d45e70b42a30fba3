import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { pino } from "pino";
import { DEADLINES } from "../deadlines.ts";
import { TlsFront } from "../tls/front.ts";
import { Listener } from "./listener.ts";

const ANY = { host: "127.0.0.1", port: 0 } as const;
const quiet = pino({ level: "silent" });

test("ports that nobody asked for are done without where they are another's, and those that were asked for are not", async () => {
  const taken = createServer().listen(ANY);
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const theirs = { ...ANY, port };

  const listener = await open({ addresses: [ANY], unasked: [ANY, theirs] });
  assert.equal(listener.addresses.length, 1);
  await stop(listener);
  const both = await open({ addresses: [ANY], unasked: [ANY, ANY] });
  assert.equal(both.addresses.length, 3);
  await stop(both);
  await assert.rejects(open({ addresses: [ANY, theirs], unasked: [] }), /cannot listen on .*EADDRINUSE/);
  taken.close();
});

async function open(where: Pick<Parameters<typeof Listener.open>[0], "addresses" | "unasked">) {
  return await Listener.open({
    ...DEADLINES,
    ...where,
    maxIdlePerAddress: 8,
    reusePort: false,
    publicPath: null,
    trustedProxies: [],
    proxyProtocol: false,
    tls: new TlsFront({ ...DEADLINES, log: quiet }),
    log: quiet,
  });
}

async function stop(listener: Listener): Promise<void> {
  listener.stopListening();
  await listener.closed();
}
