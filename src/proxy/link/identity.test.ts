import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError } from "#base/config.ts";
import { fingerprint, nodeIdentity } from "#tls/node-identity.ts";
import { LinkDouble } from "../../../test/harness/link-double.ts";
import { scratch } from "../../../test/harness/scratch.ts";
import { captureLog } from "../../../test/harness/test-node.ts";
import { type IdentityOptions, keepIdentity, loadOrJoin } from "./identity.ts";

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
  control.certificatesFrom = Date.now() - 91 * DAY_MS;
  const ended = await loadOrJoin(options);
  control.certificatesFrom = Date.now();

  await assert.rejects(loadOrJoin({ ...options, joinTokenFile: null }), /ended on \d{4}-\d\d-\d\d/);
  const joined = await loadOrJoin(options);
  const loaded = await loadOrJoin({ ...options, joinTokenFile: null });

  assert.notEqual(joined.certificate, ended.certificate);
  assert.deepEqual(loaded, joined);
});

test("a certificate that ends soon is kept, join token or not: it is renewed over the link", async () => {
  await using control = await LinkDouble.start();
  await using folder = scratch();
  const options = optionsFor(folder.path, control, control.joinToken);
  control.certificatesFrom = Date.now() - 89 * DAY_MS;

  assert.deepEqual(await loadOrJoin(options), await loadOrJoin({ ...options, joinTokenFile: null }));

  assert.equal(control.joins.length, 1);
});

test("an identity that is kept in place of another is the one that is loaded, for its owner's eyes alone", async () => {
  await using control = await LinkDouble.start();
  await using folder = scratch();
  const options = optionsFor(folder.path, control, control.joinToken);
  const first = await loadOrJoin(options);
  const second = { ...first, nodeId: "node-2" };

  await keepIdentity(options.data, second);

  assert.deepEqual(await loadOrJoin(options), second);
  assert.equal(statSync(join(options.data, "node-identity.json")).mode & 0o777, 0o600);
  await assert.rejects(keepIdentity(join(folder.path, "nowhere"), second), { code: "ENOENT" });
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

test("in Kubernetes a node joins with its pod's token, and knows control by the CA that it was given", async () => {
  await using control = await LinkDouble.start();
  const authority = control.authority.certificate;
  for (const [said, refusals] of [
    [authority, []],
    [`${fingerprint(authority)}\n`, ["kubernetes_unavailable", "rate_limited"]],
  ] as const) {
    await using folder = scratch();
    control.serviceAccountToken = "a.pod.token";
    for (const code of refusals) control.refusals.push({ call: "join", code });

    const joined = await loadOrJoin(podOptions(folder.path, control, said));

    assert.equal(joined.authority, authority);
    assert.equal(control.joins.at(-1)?.serviceAccountToken, "a.pod.token");
    assert.equal(control.refusals.length, 0, "what may pass is tried again");
  }
});

test("a pod's token is not said to a control of another installation, and what is missing is said", async () => {
  await using control = await LinkDouble.start();
  await using other = await LinkDouble.start();
  await using folder = scratch();
  const options = podOptions(folder.path, control, other.authority.certificate);

  await assert.rejects(loadOrJoin(options), { code: "join_token_invalid" });
  assert.equal(control.joins.length, 0);
  await assert.rejects(loadOrJoin({ ...options, authorityFile: null }), /--authority-file is missing/);
  await assert.rejects(loadOrJoin(podOptions(folder.path, control, "nonsense")), /neither a certificate nor/);
  await assert.rejects(
    loadOrJoin({ ...options, joinServiceAccountTokenFile: "/nowhere" }),
    /--join-service-account-token-file: \/nowhere holds no token/,
  );
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
    joinServiceAccountTokenFile: null,
    authorityFile: null,
    log: captureLog().logger,
    signal: new AbortController().signal,
  };
}

function podOptions(folder: string, control: LinkDouble, authority: string): IdentityOptions {
  const token = join(folder, "token");
  const authorityFile = join(folder, "authority");
  writeFileSync(token, "a.pod.token\n");
  writeFileSync(authorityFile, authority);
  const options = optionsFor(folder, control, "");
  return { ...options, joinTokenFile: null, joinServiceAccountTokenFile: token, authorityFile };
}
