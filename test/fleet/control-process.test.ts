import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { firstLine, type Process, startProcess } from "../harness/process.ts";
import { type Scratch, scratch } from "../harness/scratch.ts";

const LISTEN = ["--listen", "127.0.0.1:0", "--link", "127.0.0.1:0", "--json"];

test("control says once that it is ready, with the first keys, and SIGTERM ends it with status 0", async () => {
  await using folder = scratch();
  await using control = await startControl(folder);

  const ready = JSON.parse(await firstLine(control));

  assert.deepEqual(Object.keys(ready).sort(), ["apiKey", "control", "link", "ready", "secretKey"]);
  assert.match(ready.control, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  assert.match(ready.link, /^https:\/\/127\.0\.0\.1:[1-9]\d*$/);
  const answer = await fetch(`${ready.control}/api/v1/machines`, { headers: basic(ready) });
  assert.equal(answer.status, 200);
  assert.equal(await control.stop(), 0);
  assert.equal(control.stdout.text.split("\n").length, 2, "one line");
  assert.ok(!control.stderr.text.includes(ready.secretKey), "no secret in the log");
});

test("a second start on the same data has the same keys and tells none", async () => {
  await using folder = scratch();
  const first = await withControl(folder, [], async (ready) => ready);

  await withControl(folder, [], async (ready) => {
    assert.deepEqual(Object.keys(ready).sort(), ["control", "link", "ready"]);
    const answer = await fetch(`${ready.control}/api/v1/machines`, { headers: basic(first) });
    assert.equal(answer.status, 200);
  });
});

test("with a bootstrap file the keys are there, readable by the owner alone, and not on standard output", async () => {
  await using folder = scratch();
  const file = join(folder.path, "keys", "first.json");

  await withControl(folder, ["--bootstrap-file", file], async (ready) => {
    assert.deepEqual(Object.keys(ready).sort(), ["control", "link", "ready"]);
    const keys = JSON.parse(readFileSync(file, "utf8"));
    const answer = await fetch(`${ready.control}/api/v1/machines`, { headers: basic(keys) });
    assert.equal(answer.status, 200);
  });

  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder.path, "data")).mode & 0o777, 0o700);
});

test("a control that is killed in the middle starts again with all that it had acknowledged", async () => {
  await using folder = scratch();
  await using control = await startControl(folder);
  const first = JSON.parse(await firstLine(control));
  const added = await addMachine(first, first, "web");
  assert.equal(added.status, 201);
  await control.stop("SIGKILL");

  await withControl(folder, [], async (ready) => {
    const answer = await fetch(`${ready.control}/api/v1/machines`, { headers: basic(first) });
    const { items }: { items: { name: string }[] } = JSON.parse(await answer.text());
    assert.deepEqual(
      items.map(({ name }) => name),
      ["web"],
    );
  });
});

const REFUSALS: readonly [what: string, args: (folder: Scratch) => readonly string[], why: RegExp][] = [
  ["no data directory", () => LISTEN, /--data \(or --database-file\) is missing/],
  [
    "every address and no public URL",
    (folder) => [...data(folder), "--listen", "0.0.0.0:0", "--json"],
    /--public-url must say under which one browsers come/,
  ],
  [
    "a Nova API for everybody, at an address that others reach",
    (folder) => [...data(folder), ...LISTEN, "--nova-listen", "0.0.0.0:0", "--nova-token-file", "t"],
    /--nova-token-file lets in whoever comes: --nova-listen must be a loopback address/,
  ],
  [
    "an upstream list that is none",
    (folder) => [...data(folder), ...LISTEN, "--upstream-allow", "everything"],
    /--upstream-allow: “everything”/,
  ],
  [
    "nowhere to tell the first keys",
    (folder) => [...data(folder), ...LISTEN.slice(0, -1)],
    /--bootstrap-file or --json/,
  ],
];

for (const [what, args, why] of REFUSALS) {
  test(`control does not start with ${what}, and says so`, async () => {
    await using folder = scratch();
    await using control = await startProcess(process.execPath, ["src/main.ts", "control", ...args(folder)]);

    assert.equal(await control.exited, 2);

    assert.match(control.stderr.text, why);
    assert.equal(control.stdout.text, "");
  });
}

test("control does not start without its key file, or on a database that another control uses", async () => {
  await using folder = scratch();
  await withControl(folder, [], async () => {
    await using second = await startControl(folder);
    assert.equal(await second.exited, 2);
    assert.match(second.stderr.text, /another process uses the database/);
  });
  rmSync(join(folder.path, "data", "porthole.key"));

  await using third = await startControl(folder);

  assert.equal(await third.exited, 2);
  assert.match(third.stderr.text, /porthole\.key is missing/);
});

interface Ready {
  readonly control: string;
  readonly apiKey: string;
  readonly secretKey: string;
}

function data(folder: Scratch): readonly string[] {
  return ["--data", join(folder.path, "data")];
}

async function startControl(folder: Scratch, args: readonly string[] = []): Promise<Process> {
  return await startProcess(process.execPath, [
    "src/main.ts",
    "control",
    ...data(folder),
    ...LISTEN,
    ...args,
  ]);
}

async function withControl<Result>(
  folder: Scratch,
  args: readonly string[],
  work: (ready: Ready) => Promise<Result>,
): Promise<Result> {
  await using control = await startControl(folder, args);
  const result = await work(JSON.parse(await firstLine(control)));
  assert.equal(await control.stop(), 0);
  return result;
}

async function addMachine({ control }: Ready, keys: Ready, name: string): Promise<Response> {
  return await fetch(`${control}/api/v1/machines`, {
    method: "POST",
    headers: { ...basic(keys), "content-type": "application/json" },
    body: JSON.stringify({ name, protocol: "rfb", address: "127.0.0.1:5900" }),
  });
}

function basic({ apiKey, secretKey }: Pick<Ready, "apiKey" | "secretKey">): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${apiKey}:${secretKey}`).toString("base64")}` };
}
