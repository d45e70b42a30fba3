import assert from "node:assert/strict";
import type { Machine } from "#wire/api.ts";
import { eventually } from "../harness/eventually.ts";
import type { FleetNode, TestFleet } from "../harness/test-fleet.ts";
import { TestViewer } from "../harness/test-viewer.ts";

/** A ticket for a machine's serial line. */
export async function openLine({ control }: TestFleet, { id: machineId }: Machine) {
  return await control.services.consoles.open(control.admin, {
    machineId,
    api: "native",
    protocol: "serial",
  });
}

/** A viewer at a serial line, that takes all it is given. */
export async function atLine(node: FleetNode, ticket: string): Promise<TestViewer> {
  const viewer = await TestViewer.porthole(node.origin, ticket);
  viewer.webSocket.on("message", (_data, isBinary) => {
    if (isBinary) viewer.webSocket.send(JSON.stringify({ type: "ack", bytes: viewer.received }));
  });
  return viewer;
}

/** It is at the line, or else closed. */
export async function attached(viewer: TestViewer): Promise<TestViewer> {
  await eventually(() =>
    assert.ok(viewer.texts.some(({ type }) => type === "line") || viewer.closed !== undefined),
  );
  assert.equal(viewer.closed, undefined);
  return viewer;
}

/** Types an order into a guest's shell whose answer stands nowhere in it, and sees that. */
export async function typeInto(viewer: TestViewer, word: string): Promise<void> {
  viewer.send(Buffer.from(`echo ${word}-$((40 + 2))\r`));
  await saw(viewer, `${word}-42`);
}

export async function saw(
  viewer: TestViewer,
  text: string,
  within?: { readonly withinMs: number },
): Promise<void> {
  await eventually(() => {
    const said = viewer.bytes.toString("latin1");
    assert.ok(said.includes(text), `${JSON.stringify(viewer.closed)} ${said.slice(-200)}`);
  }, within);
}
