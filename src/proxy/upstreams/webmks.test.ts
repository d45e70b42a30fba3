import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grant } from "#wire/grant.ts";
import { ALL_RIGHTS, type Rights, VIEW_ONLY } from "#wire/rights.ts";
import { Conversation } from "../console/conversation.ts";
import { DEADLINES } from "../deadlines.ts";
import { Lines } from "../serial/lines.ts";
import { OwnSignIns } from "../sign-ins/sign-ins.ts";
import { openWebMks } from "./webmks.ts";

const WEBMKS = {
  address: { kind: "websocket", host: "192.0.2.1", port: 443, path: "/ticket/1", isSecure: true },
} as const;

for (const right of Object.keys(ALL_RIGHTS))
  test(`WebMKS is dialled for nobody who lacks the right to ${right}`, async () => {
    const { code, dials } = await refused({ ...ALL_RIGHTS, [right]: false });

    assert.deepEqual([code, dials], ["forbidden", 0]);
  });

test("WebMKS is dialled for nobody who may only look, and never where the console is another", async () => {
  assert.deepEqual(await refused(VIEW_ONLY), { code: "forbidden", dials: 0 });
  const upstream = { address: { kind: "tcp", host: "192.0.2.1", port: 5900 }, password: "p" } as const;

  assert.deepEqual(await refused(ALL_RIGHTS, upstream), { code: "upstream_refused", dials: 0 });
});

async function refused(rights: Rights, upstream: Grant["upstream"] = { guarded: WEBMKS }) {
  let dials = 0;
  const opening = openWebMks({
    grant: {
      ...{ sessionId: "s", attachment: 1, machine: { id: "m", name: "web" }, protocol: "webmks" },
      ...{ upstream, rights, reopen: "" },
    },
    viewer: {
      conversation: new Conversation({ pause: () => {}, resume: () => {} }),
      send: () => {},
      tell: () => {},
      isBare: true,
    },
    connect: () => {
      dials += 1;
      return Promise.reject(new Error("it was dialled"));
    },
    onStage: () => {},
    signIns: new OwnSignIns(),
    lines: new Lines(),
    deadlines: DEADLINES,
    signal: new AbortController().signal,
  });
  const error: unknown = await opening.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Error && "code" in error);
  return { code: error.code, dials };
}
