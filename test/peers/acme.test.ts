import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hostPort } from "#base/config.ts";
import type { Acme, AcmeChange } from "#wire/acme.ts";
import type { Certificate } from "#wire/certificate.ts";
import { eventually } from "../harness/eventually.ts";
import { startControl } from "../harness/porthole.ts";
import { lackingPebble, startPebble } from "./pebble.ts";
import { lackingUnbound, startUnbound } from "./unbound.ts";

const DOMAIN = "console.example";

/** Control that answers for the domain, and a resolver that finds it there. */
async function startNamed(domain: string) {
  await using opened = new AsyncDisposableStack();
  const control = opened.use(await startControl({ args: ["--dns-listen", "127.0.0.1:0"] }));
  const { api } = control;
  await api.call("PUT", "settings/consoleproxy.url.domain", { value: domain });
  await api.call("PUT", "settings/consoleproxy.loadscan.interval", { value: "1000" });
  const server = hostPort(control.dns?.[0] ?? "");
  const unbound = opened.use(await startUnbound(DOMAIN, server));
  const owned = opened.move();
  return {
    control,
    api,
    resolver: `127.0.0.1:${unbound.port}`,
    use: <Resource extends AsyncDisposable>(resource: Resource): Resource => owned.use(resource),
    configure: async (change: AcmeChange) => await api.call<Acme>("PATCH", "acme", change),
    show: async () => await api.call<Acme>("GET", "acme"),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

async function untilReady(at: { show(): Promise<Acme> }, unlike?: string | undefined): Promise<Acme> {
  return await eventually(async () => {
    const acme = await at.show();
    assert.equal(acme.state, "ready", JSON.stringify(acme));
    assert.notEqual(acme.certificate, unlike);
    return acme;
  });
}

describe("pebble", { skip: lackingPebble || lackingUnbound }, () => {
  test("issues a wildcard, seeing by unbound what our name server answers", async () => {
    await using at = await startNamed(`*.${DOMAIN}`);
    const pebble = at.use(await startPebble({ resolver: at.resolver }));

    const asked = await at.configure({
      directory: pebble.directory,
      contact: "ops@example.com",
      agreesToTerms: true,
      roots: pebble.roots,
    });

    assert.equal(asked.state, "waiting");
    const acme = await untilReady(at);
    assert.deepEqual(acme.names, [`*.${DOMAIN}`, DOMAIN]);
    const { items } = await at.api.call<{ items: Certificate[] }>("GET", "certificates");
    assert.deepEqual(
      items.map(({ names, source, fingerprint }) => ({ names: [...names].sort(), source, fingerprint })),
      [{ names: [`*.${DOMAIN}`, DOMAIN], source: "acme", fingerprint: acme.certificate }],
    );
  });
});
