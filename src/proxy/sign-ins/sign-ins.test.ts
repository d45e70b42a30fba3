import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { eventually } from "../../../test/harness/eventually.ts";
import { OwnSignIns, type SignIns, serverOf } from "./sign-ins.ts";
import { type Channel, SharedSignIns, WorkersSignIns } from "./workers-sign-ins.ts";

const HERE = "127.0.0.1 5900";

test("four sign in at one server at once, and the fifth is told that it waits, until one is done", async () => {
  const signIns = new OwnSignIns();
  const four = Array.from({ length: 4 }, () => begin(signIns));
  await eventually(() => assert.ok(four.every(({ entered }) => entered())));

  const fifth = begin(signIns);
  const elsewhere = begin(signIns, { server: "127.0.0.1 5901" });
  await eventually(() => assert.ok(elsewhere.entered()));

  assert.deepEqual([...four, elsewhere].map(waited), [false, false, false, false, false]);
  assert.deepEqual([fifth.waited(), fifth.entered()], [true, false]);
  four[2]?.leave();
  await eventually(() => assert.ok(fifth.entered()));
});

test("who gives up waiting keeps nobody's place", async () => {
  const signIns = new OwnSignIns();
  const four = Array.from({ length: 4 }, () => begin(signIns));
  const impatient = new AbortController();
  const fifth = begin(signIns, { signal: impatient.signal });
  const sixth = begin(signIns);

  impatient.abort(new Error("had enough"));
  four[0]?.leave();

  await assert.rejects(fifth.done, /had enough/);
  await eventually(() => assert.ok(sixth.entered()));
});

test("workers have the turns together, and one that ends gives back its own", async () => {
  const shared = new SharedSignIns();
  const [a, b] = [startWorker(shared), startWorker(shared)];
  const first = [begin(a.signIns), begin(b.signIns), begin(a.signIns), begin(a.signIns)];
  await eventually(() => assert.ok(first.every(({ entered }) => entered())));

  const waiting = [begin(b.signIns), begin(b.signIns), begin(a.signIns)];
  await eventually(() => assert.deepEqual(waiting.map(waited), [true, true, true]));
  assert.ok(waiting.every(({ entered }) => !entered()));
  a.end();

  await eventually(() => assert.ok(waiting[0]?.entered()));
  await eventually(() => assert.ok(waiting[1]?.entered()));
});

test("a worker that gives up waiting keeps nobody's place, and neither does one whose work fails", async () => {
  const { signIns } = startWorker(new SharedSignIns());
  const four = Array.from({ length: 4 }, () => begin(signIns));
  const impatient = new AbortController();
  const fifth = begin(signIns, { signal: impatient.signal });
  const sixth = begin(signIns);
  await eventually(() => assert.ok(sixth.waited()));

  impatient.abort(new Error("had enough"));
  four[0]?.fail(new Error("not taken"));

  await assert.rejects(fifth.done, /had enough/);
  await assert.rejects(four[0]?.done ?? Promise.resolve(), /not taken/);
  await eventually(() => assert.ok(sixth.entered()));
});

test("a worker that is killed while it signs in gives back what it had", async (t) => {
  const shared = new SharedSignIns();
  const worker = fork(HOLDER, { signal: t.signal, stdio: "inherit" });
  const entered = Promise.withResolvers<void>();
  worker.on("error", () => {}).on("message", (message) => void (message === "entered" && entered.resolve()));
  shared.serve(worker);
  await entered.promise;
  const { signIns } = startWorker(shared);
  const next = begin(signIns);
  await eventually(() => assert.ok(next.waited()));
  assert.equal(next.entered(), false);

  worker.kill("SIGKILL");

  await eventually(() => assert.ok(next.entered()));
});

test("a worker that stands still keeps what it had for a time, and not for good", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const shared = new SharedSignIns();
  const still = new EventEmitter();
  const told: unknown[] = [];
  shared.serve(Object.assign(still, { send: (message: unknown) => void told.push(message) }));
  for (const id of [1, 2, 3, 4, 5]) still.emit("message", { signIn: "enter", id, server: HERE });
  const waits = { signIn: "waits", id: 5 };
  const four = [1, 2, 3, 4].map((id) => ({ signIn: "entered", id }));
  assert.deepEqual(told, [waits, ...four].toSorted(byId));

  t.mock.timers.tick(60_000);

  await turn();
  assert.deepEqual(told.at(-1), { signIn: "entered", id: 5 });
});

test("a server is known by its address, and by the path where it has many consoles", () => {
  const at = (path: string) =>
    serverOf({ address: { kind: "websocket", host: "Hv", port: 443, path, isSecure: true } });

  assert.equal(
    serverOf({ address: { kind: "tcp", host: "HV", port: 1 } }),
    serverOf({ address: { kind: "tls", host: "hv", port: 1 } }),
  );
  assert.notEqual(at("/a"), at("/b"));
  assert.equal(serverOf({ address: { kind: "unix", path: "/run/vnc" } }), "/run/vnc");
});

const HOLDER = fileURLToPath(new URL("../../../test/harness/holds-sign-ins.ts", import.meta.url));

function byId(one: { readonly id: number }, other: { readonly id: number }): number {
  return one.id - other.id;
}

interface Begun {
  readonly entered: () => boolean;
  readonly waited: () => boolean;
  readonly leave: () => void;
  readonly fail: (error: Error) => void;
  readonly done: Promise<void>;
}

function begin(
  signIns: SignIns,
  {
    server = HERE,
    signal = new AbortController().signal,
  }: { readonly server?: string; readonly signal?: AbortSignal } = {},
): Begun {
  const work = Promise.withResolvers<void>();
  let [hasEntered, hasWaited] = [false, false];
  const enter = async () => {
    hasEntered = true;
    await work.promise;
  };
  const onWait = () => {
    hasWaited = true;
  };
  const done = signIns.take(server, enter, { signal, onWait });
  done.catch(() => {});
  const { resolve: leave, reject: fail } = work;
  return { entered: () => hasEntered, waited: () => hasWaited, leave, fail, done };
}

function waited({ waited: hasWaited }: Begun): boolean {
  return hasWaited();
}

/** A worker whose channel is in this process: what one end says, the other hears in a later turn. */
function startWorker(shared: SharedSignIns) {
  const [parent, child] = [new EventEmitter(), new EventEmitter()];
  const end = (own: EventEmitter, other: EventEmitter): Channel =>
    Object.assign(own, {
      send: (message: unknown) => setImmediate(() => other.emit("message", structuredClone(message))),
    });
  shared.serve(end(parent, child));
  return {
    signIns: new WorkersSignIns(end(child, parent)),
    end: () => parent.emit("disconnect"),
  };
}
