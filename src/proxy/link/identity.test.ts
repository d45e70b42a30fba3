import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError } from "#base/config.ts";
import { nodeIdentity } from "#tls/node-identity.ts";
import { LinkDouble } from "../../../test/harness/link-double.ts";
import { scratch } from "../../../test/harness/scratch.ts";
import { captureLog } from "../../../test/harness/test-node.ts";
import { type IdentityOptions, loadOrJoin } from "./identity.ts";

test("a node joins once, and keeps what it got for its owner's eyes alone", async () => {
  await using control = await LinkDouble.start();
  await using folder = scratch();
  const options = optionsFor(folder.path, control, control.joinToken);

  const joined = await loadOrJoin(options);
  const loaded = await loadOrJoin({ ...options, joinTokenFile: null });

  assert.deepEqual(loaded, joined);
  assert.equal(nodeIdentity(joined.certificate)?.nodeId, "node-1");
  assert.equal(control.joins.length, 1);
  const path = join(options.data, "node-identity.json");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(options.data).mode & 0o777, 0o700);
  assert.ok(!readFileSync(path, "utf8").includes(control.joinToken));
});

test("the token's secret is not said to a control of another installation", async () => {
  await using control = await LinkDouble.start();
  await using other = await LinkDouble.start();
  await using folder = scratch();

  const joined = loadOrJoin(optionsFor(folder.path, control, other.joinToken));

  await assert.rejects(joined, { code: "join_token_invalid" });
  assert.equal(control.joins.length, 0);
});

test("a token that control does not take ends the start, with control's word", async () => {
  await using control = await LinkDouble.start();
  await using folder = scratch();
  const [fingerprint] = control.joinToken.split(".");

  const joined = loadOrJoin(optionsFor(folder.path, control, `${fingerprint}.wrong`));

  await assert.rejects(joined, { code: "join_token_invalid" });
  assert.equal(control.joins.length, 1);
});

test("a token that has no form is refused before control is met", async () => {
  await using control = await LinkDouble.start();
  await using folder = scratch();

  await assert.rejects(loadOrJoin(optionsFor(folder.path, control, "nonsense")), {
    code: "join_token_invalid",
  });
});

test("a node without identity and token says what it needs", async () => {
  await using control = await LinkDouble.start();
  await using folder = scratch();
  const options = optionsFor(folder.path, control, "");

  await assert.rejects(loadOrJoin({ ...options, joinTokenFile: null }), /--join-token-file is missing/);
  await assert.rejects(loadOrJoin(options), /holds no join token/);
  await assert.rejects(loadOrJoin({ ...options, joinTokenFile: "/nowhere" }), /holds no join token/);
});

test("a damaged identity is not guessed at", async () => {
  await using control = await LinkDouble.start();
  await using folder = scratch();
  const options = optionsFor(folder.path, control, control.joinToken);
  await loadOrJoin(options);

  for (const damage of ["", "{}", "null", "{"]) {
    writeFileSync(join(options.data, "node-identity.json"), damage);
    await assert.rejects(loadOrJoin(options), ConfigError);
  }
});

const DAY_MS = 24 * 3_600_000;

test("a certificate that has ended is replaced where there is a join token, and asked for where there is none", async () => {
  await using control = await LinkDouble.start();
  await using folder = scratch();
  const options = optionsFor(folder.path, control, control.joinToken);
  control.certificatesFrom = Date.now() - 366 * DAY_MS;
  const ended = await loadOrJoin(options);
  control.certificatesFrom = Date.now();

  await assert.rejects(loadOrJoin({ ...options, joinTokenFile: null }), /ended on \d{4}-\d\d-\d\d/);
  const joined = await loadOrJoin(options);
  const loaded = await loadOrJoin({ ...options, joinTokenFile: null });

  assert.notEqual(joined.certificate, ended.certificate);
  assert.deepEqual(loaded, joined);
});

test("a certificate that ends within thirty days is replaced, if that can be", async () => {
  await using control = await LinkDouble.start();
  await using folder = scratch();
  const log = captureLog();
  const options = { ...optionsFor(folder.path, control, control.joinToken), log: log.logger };
  control.certificatesFrom = Date.now() - 336 * DAY_MS;
  const ending = await loadOrJoin(options);
  control.certificatesFrom = Date.now();

  const [fingerprint] = control.joinToken.split(".");
  assert.deepEqual(await loadOrJoin({ ...options, joinTokenFile: null }), ending);
  assert.deepEqual(await loadOrJoin({ ...options, joinTokenFile: "/nowhere" }), ending);
  assert.deepEqual(await loadOrJoin(optionsFor(folder.path, control, `${fingerprint}.used-up`)), ending);
  assert.match(log.text(), /could not be renewed/);

  const renewed = await loadOrJoin(optionsFor(folder.path, control, control.joinToken));
  assert.notEqual(renewed.certificate, ending.certificate);
});

test("a certificate with more than thirty days before it is kept", async () => {
  await using control = await LinkDouble.start();
  await using folder = scratch();
  const options = optionsFor(folder.path, control, control.joinToken);
  control.certificatesFrom = Date.now() - 334 * DAY_MS;

  assert.deepEqual(await loadOrJoin(options), await loadOrJoin(options));

  assert.equal(control.joins.length, 1);
});

test("a node waits for a control that is not there yet", async () => {
  await using control = await LinkDouble.start();
  await using folder = scratch();
  control.mood = "drop";
  const log = captureLog();

  const joining = loadOrJoin({ ...optionsFor(folder.path, control, control.joinToken), log: log.logger });
  await control.dropped();
  control.mood = "answer";

  assert.equal((await joining).nodeId, "node-1");
  assert.match(log.text(), /Control cannot be reached/);
});

test("a node that is told to stop while it waits stops", async () => {
  await using control = await LinkDouble.start();
  await using folder = scratch();
  control.mood = "silence";
  const stop = new AbortController();
  const held = control.hold("join");

  const joining = loadOrJoin({ ...optionsFor(folder.path, control, control.joinToken), signal: stop.signal });
  control.mood = "answer";
  await held.asked;
  stop.abort();

  await assert.rejects(joining, { name: "AbortError" });
  held.answer();
});

function optionsFor(folder: string, control: LinkDouble, joinToken: string): IdentityOptions {
  const joinTokenFile = join(folder, "join-token");
  writeFileSync(joinTokenFile, `${joinToken}\n`);
  return {
    data: join(folder, "data"),
    control: [control.url],
    joinTokenFile,
    log: captureLog().logger,
    signal: new AbortController().signal,
  };
}
