import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import type { GatewayError } from "#wire/gateway-error.ts";
import { ALL_RIGHTS, type Rights, VIEW_ONLY } from "#wire/rights.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { startUpstream, type TestUpstream } from "../../../test/harness/test-upstream.ts";
import { Conversation } from "../console/conversation.ts";
import type { OpeningParts } from "../console/opening.ts";
import { UpstreamLeg } from "../console/upstream-leg.ts";
import { DEADLINES } from "../deadlines.ts";
import { Lines } from "../serial/lines.ts";
import { OwnSignIns } from "../sign-ins/sign-ins.ts";
import { stepOf } from "../upstream-step.ts";
import { openSpice } from "./spice.ts";

const CHANNEL = { main: 1, display: 2, inputs: 3 } as const;

for (const right of Object.keys(ALL_RIGHTS))
  test(`SPICE is dialled for nobody who lacks the right to ${right}`, async () => {
    assert.deepEqual(await refused({ ...ALL_RIGHTS, [right]: false }), ["forbidden", 0]);
  });

test("SPICE is dialled for nobody who may only look, nor for a viewer that has words of its own", async () => {
  assert.deepEqual(await refused(VIEW_ONLY), ["forbidden", 0]);
  assert.deepEqual(await refused(ALL_RIGHTS, false), ["nova_console_unfit", 0]);
});

for (const [name, inputs] of [
  ["main", 0],
  ["display", 0],
  ["inputs", 2],
] as const)
  test(`what goes over the channel ${name} counts as ${inputs} of a person's doings, and goes on as it is`, async () => {
    await using server = await startUpstream(({ socket, said }) => {
      socket.on("data", (chunk) => said.push(chunk)).write("REDQ and the rest");
    });
    const conversation = new Conversation({ pause: () => {}, resume: () => {} });
    const opening = openSpice(partsOf({ viewer: { conversation }, connect: dialTo(server) }));
    conversation.push(link(CHANNEL[name]));
    const { upstream, toViewer, filter } = await opening;
    const forwarded: string[] = [];

    const passing = filter((bytes) => forwarded.push(Buffer.from(bytes).toString()));
    passing.push(Buffer.from("one"));
    passing.push(Buffer.from("two"));

    assert.equal(passing.inputs, inputs);
    assert.deepEqual(forwarded, ["one", "two"]);
    assert.equal(Buffer.concat(toViewer).toString("latin1").slice(0, 4), "REDQ");
    upstream.socket.destroy();
  });

test("a SPICE server that says nothing is given up in time, and which step that was is known", async () => {
  await using server = await startUpstream(({ socket }) => void socket.resume());
  const conversation = new Conversation({ pause: () => {}, resume: () => {} });
  const parts = partsOf({ viewer: { conversation }, connect: dialTo(server) });
  const opening = openSpice({ ...parts, deadlines: { ...DEADLINES, upstreamMs: 200 } });
  conversation.push(link(CHANNEL.main));

  await assert.rejects(
    opening,
    (error: GatewayError) => error.code === "upstream_timeout" && stepOf(error) === "handshake",
  );
  const { socket } = await server.caller();
  await eventually(() => assert.ok(socket.destroyed));
});

function dialTo({ upstream: { address } }: TestUpstream): OpeningParts["connect"] {
  assert.ok(address.kind === "tcp");
  const { host, port } = address;
  return async () => await UpstreamLeg.open(async (onread) => connect({ host, port, onread }).pause());
}

function link(channelType: number): Buffer {
  const message = Buffer.alloc(16 + 18);
  message.write("REDQ");
  message.writeUInt32LE(18, 12);
  message.writeUInt8(channelType, 20);
  return message;
}

type Changed = Partial<Pick<OpeningParts, "connect">> & { readonly viewer?: Partial<OpeningParts["viewer"]> };

function partsOf({ viewer = {}, connect: dial = never }: Changed, rights: Rights = ALL_RIGHTS): OpeningParts {
  return {
    grant: {
      ...{ sessionId: "s", attachment: 1, machine: { id: "m", name: "web" }, protocol: "spice" },
      ...{ upstream: { address: { kind: "tcp", host: "192.0.2.1", port: 5900 } }, rights, reopen: "" },
    },
    viewer: {
      conversation: new Conversation({ pause: () => {}, resume: () => {} }),
      ...{ send: () => {}, tell: () => {}, isBare: true, ...viewer },
    },
    connect: dial,
    onStage: () => {},
    signIns: new OwnSignIns(),
    lines: new Lines(),
    deadlines: DEADLINES,
    signal: new AbortController().signal,
  };
}

async function never(): Promise<never> {
  throw new Error("it was dialled");
}

async function refused(rights: Rights, isBare = true) {
  let dials = 0;
  const dial = async (): Promise<never> => {
    dials += 1;
    return await never();
  };
  const error: unknown = await openSpice(partsOf({ viewer: { isBare }, connect: dial }, rights)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Error && "code" in error);
  return [error.code, dials];
}
