import assert from "node:assert/strict";
import type { Acme } from "#wire/acme.ts";
import { type OneControl, type TestControl, testControl } from "../harness/control.ts";
import type { Pebble } from "./pebble.ts";
import { type Suggesting, startSuggesting } from "./renewal-info.ts";

export const DOMAIN = "console.example";
export const MINUTE_MS = 60_000;

export interface Ordering extends AsyncDisposable {
  readonly control: TestControl;
  readonly authority: Suggesting;
  show(): Promise<Acme>;
  /** Looks whether something is to be done, and tells how it stands then. */
  look(): Promise<Acme>;
  /** The same where a certificate is to come of it. */
  issued(): Promise<Acme>;
  chain(): Promise<string>;
  lifetime(): Promise<{ readonly notBefore: number; readonly notAfter: number }>;
}

/** Control that has its certificate from there, and whose time passes when a test says so. */
export async function startOrdering(pebble: Pebble): Promise<Ordering> {
  await using opened = new AsyncDisposableStack();
  const control = opened.use(await testControl());
  const authority = opened.use(await startSuggesting(pebble));
  await prepare(control, authority);
  const show = async () => await control.services.acme.show(control.admin);
  const look = async () => {
    await control.lookAfterCertificates();
    return await show();
  };
  const current = async () => {
    const found = await control.issued.current();
    assert.ok(found !== undefined);
    return found;
  };
  const owned = opened.move();
  return {
    control,
    authority,
    show,
    look,
    async issued() {
      const before = authority.orders.length;
      const acme = await look();
      assert.equal(acme.state, "ready", JSON.stringify(acme));
      assert.equal(authority.orders.length, before + 1);
      return acme;
    },
    chain: async () => (await current()).chain,
    lifetime: current,
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

export async function prepare(
  { services, admin, clock }: OneControl,
  { directory, roots }: Suggesting,
): Promise<void> {
  // What pebble issues in a moment has begun.
  clock.advance(10 * MINUTE_MS);
  await services.settings.set(admin, "consoleproxy.url.domain", DOMAIN);
  await services.acme.configure(admin, { directory, roots, agreesToTerms: true, challenge: "http-01" });
  // By then nodes would know what to answer.
  clock.advance(MINUTE_MS);
}
