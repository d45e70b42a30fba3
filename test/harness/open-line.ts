import type { Caller } from "#control/services.ts";
import type { LinkCommand } from "#wire/link.ts";
import type { TestControl, TestNode } from "./control.ts";

/** A machine whose serial line a node has open, in a session that somebody has. */
export async function openLine(control: TestControl, node: TestNode, by: Caller = control.admin) {
  const machine = await control.machine({ serialAddress: "192.0.2.10:4001" });
  const { sessionId } = await control.services.consoles.open(by, {
    ...({ machineId: machine.id, api: "nova", protocol: "serial" } as const),
  });
  const { id, incarnation } = node;
  const attached = { sessionId, attachment: 1 } as const;
  await control.link.redeem(id, { incarnation, ...attached, viewerAddress: "::1" });
  const none = { bytesToViewer: 0, bytesFromViewer: 0 };
  const report = async (state: "active" | "ended") =>
    await control.link.takeReports({ nodeId: id, incarnation }, [
      {
        ...{ ...attached, ...none, at: control.clock.now(), state },
        ...(state === "ended" && { ending: { kind: "closed", code: "viewer_closed" } as const }),
      },
    ]);
  await report("active");
  return { machine, end: async () => await report("ended") };
}

/**
 * Does what control does for a node whose channel it holds, for as long as `asking` goes on: `answer` is what the node says to each
 * command, or throws.
 */
export async function whileAnswering<Value>(
  { control, node }: { readonly control: TestControl; readonly node: TestNode },
  answer: (command: LinkCommand, body: unknown) => unknown,
  asking: Promise<Value>,
): Promise<Value> {
  let isOver = false;
  const over = asking.finally(() => {
    isOver = true;
  });
  over.catch(() => {});
  const tell = async (command: LinkCommand, body: unknown) => answer(command, body);
  while (!isOver) {
    for (const errand of control.link.errands) await errand(node.id, tell).catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
  }
  return await over;
}
