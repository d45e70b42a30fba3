import assert from "node:assert/strict";
import { test } from "node:test";
import { startCommandLine } from "../harness/command-line.ts";
import { eventually } from "../harness/eventually.ts";
import { TestViewer } from "../harness/test-viewer.ts";

test("a session that found no way to its console says at which step, and is listed with why", async () => {
  await using line = await startCommandLine();
  await line.json("machine", "add", "lost", "--address", "no-such-host.invalid:5900");
  const opened = await line.json<{ websocket: { token: string } }>("console", "open", "lost");
  await using viewer = await TestViewer.bare(line.node.node, opened.websocket.token);
  await assert.rejects(viewer.handshake());
  const [session] = await line.json<{ id: string }[]>("session", "list", "--machine", "lost");

  await eventually(async () => {
    const { out } = await line.porthole(["session", "show", session?.id ?? ""]);
    assert.match(out, /^ENDING +failed upstream_name_unresolved$/m);
    assert.match(out, /^FAILED AT +resolve$/m);
  });
  assert.match((await line.porthole(["session", "list"])).out, /^lost +ended +upstream_name_unresolved /m);
});
