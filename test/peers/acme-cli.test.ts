import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Acme } from "#wire/acme.ts";
import { type CommandLine, startCommandLine } from "../harness/command-line.ts";
import { eventually } from "../harness/eventually.ts";
import { lackingPebble, type Pebble, startPebble } from "./pebble.ts";

const HMAC_KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

describe("porthole acme", { skip: lackingPebble }, () => {
  const opened = new AsyncDisposableStack();
  let line: CommandLine;
  let pebble: Pebble;
  before(async () => {
    line = opened.use(await startCommandLine());
    pebble = opened.use(await startPebble({ believesAll: true, externalAccounts: { "kid-1": HMAC_KEY } }));
    writeFileSync(join(line.folder, "roots.pem"), pebble.roots);
  });
  after(async () => await opened.disposeAsync());

  const untilShown = async (words: RegExp) =>
    await eventually(async () => {
      const { status, out, err } = await line.porthole(["acme", "show"]);
      assert.equal(status, 0, err);
      assert.match(out, words);
      return out;
    });

  test("leads from nothing to a certificate, saying at each step what is missing", async () => {
    assert.match(await untilShown(/^STATE/), /^STATE +off\n$/);
    const early = await line.porthole(["acme", "renew"]);
    assert.notEqual(early.status, 0);
    assert.match(early.err, /“porthole acme configure” first/);

    const { directory } = pebble;
    await line.json("acme", "configure", "--directory", directory, "--contact", "ops@example.com");
    await untilShown(/STATE +idle\nPROBLEM +the setting consoleproxy\.url\.domain names no domain/);
    await line.json("setting", "set", "consoleproxy.url.domain", "*.console.example");
    await untilShown(/STATE +failing\nPROBLEM .*--root FILE/);
    await line.json("acme", "configure", "--root", "roots.pem");
    await untilShown(/PROBLEM .*--agree-terms/);
    await line.json("acme", "configure", "--agree-terms");
    await untilShown(/PROBLEM .*--eab-key-id/);
    const bound = await line.porthole(
      ["acme", "configure", "--eab-key-id", "kid-1", "--eab-hmac-file", "-"],
      {
        input: `${HMAC_KEY}\n`,
      },
    );
    assert.equal(bound.status, 0, bound.err);
    const shown = await untilShown(/STATE +ready/);

    assert.match(shown, /TERMS +agreed to\nCHALLENGE +dns-01\nEXTERNAL ACCOUNT +kid-1\nROOTS +CN=pebble/);
    assert.match(shown, /NAMES +\*\.console\.example, console\.example\nCERTIFICATE +[0-9a-f]{64}\nENDS +2/);
    assert.match(shown, /FAILURES SINCE +0\nNEXT ORDER +2/);
    assert.doesNotMatch(shown, /PROBLEM/);
    const { out } = await line.porthole(["certificate", "list"]);
    assert.match(out, / FROM +SINCE .*\n.*console\.example .* acme /);
  });

  test("orders another one on demand, and is turned off", async () => {
    const before = await line.json<Acme>("acme", "show");

    await line.json("acme", "renew");
    await eventually(async () => {
      const { state, certificate } = await line.json<Acme>("acme", "show");
      assert.equal(state, "ready");
      assert.notEqual(certificate, before.certificate);
    });
    const off = await line.porthole(["acme", "disable"]);

    assert.equal(off.out, "No more certificates are ordered. The one that was issued stays in use.\n");
    assert.deepEqual(await line.json("acme", "show"), { state: "off" });
    assert.match((await line.porthole(["acme", "show"])).err, /porthole acme configure --agree-terms/);
    const again = await line.porthole(["acme", "disable"]);
    assert.equal(again.status, 3);
    assert.match(again.err, /certificates do not come by themselves here/);
  });

  test("takes what belongs together, and no other", async () => {
    const configure = async (...args: string[]) => await line.porthole(["acme", "configure", ...args]);

    for (const [args, words] of [
      [["--eab-key-id", "kid-1"], /go together/],
      [["--eab-key-id", "kid-1", "--no-eab"], /cannot be used with/],
      [["--challenge", "tls-alpn-01"], /Allowed choices are dns-01, http-01/],
      [["--root", "nowhere.pem"], /ENOENT/],
      [["--root", "-"], /-: is empty; --no-root/],
    ] as const) {
      const { status, err } = await configure(...args);
      assert.equal(status, 2, err);
      assert.match(err, words);
    }
    assert.deepEqual(await line.json("acme", "show"), { state: "off" });
  });
});
