import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { HandshakeError } from "#protocols/rfb/handshake-error.ts";
import { RFB_VERSIONS } from "#protocols/rfb/version.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { startTestNode, type TestNode } from "../../test/harness/test-node.ts";
import { startRfbUpstream } from "../../test/harness/test-upstream.ts";
import { TestViewer } from "../../test/harness/test-viewer.ts";

let node: TestNode;
before(async () => {
  node = await startTestNode();
});
after(async () => await node[Symbol.asyncDispose]());

for (const viewerSpeaks of RFB_VERSIONS) {
  for (const machineSpeaks of RFB_VERSIONS) {
    for (const secured of [{}, { password: "sesame" }]) {
      const lock = "password" in secured ? "with a password" : "without a password";
      test(`a viewer of RFB ${viewerSpeaks} sees a machine of RFB ${machineSpeaks} ${lock}`, async () => {
        await using machine = await startRfbUpstream(({ socket }) => socket.write("screen"), {
          version: machineSpeaks,
          ...secured,
        });
        const { ticket } = await node.control.issue({ upstream: { ...machine.upstream, ...secured } });
        await using viewer = await TestViewer.bare(node.origin, ticket);

        const { width, height } = await viewer.handshake(viewerSpeaks);

        assert.deepEqual([width, height], [640, 480]);
        await eventually(() => assert.equal(viewer.bytes.toString(), "screen"));
      });
    }
  }

  test(`a viewer of RFB ${viewerSpeaks} is told why a console does not open`, async () => {
    const { ticket } = await node.control.issue(); // Port 1: nothing listens there.
    await using viewer = await TestViewer.bare(node.origin, ticket);

    const refused = viewer.handshake(viewerSpeaks);

    await assert.rejects(refused, (error: unknown) => {
      assert.ok(error instanceof HandshakeError);
      return error.kind === "refused" && /nothing listens/.test(error.reason ?? "");
    });
  });
}

test("a machine that does not ask for the password on record is another one, for all that is known", async () => {
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await node.control.issue({
    upstream: { ...machine.upstream, password: "sesame" },
  });
  await using viewer = await TestViewer.bare(node.origin, ticket);

  await assert.rejects(viewer.handshake(), { kind: "refused" });

  await eventually(() =>
    assert.equal(node.control.endingOf(sessionId)?.ending?.code, "upstream_password_not_asked"),
  );
});

test("a machine whose password is another than that on record does not open", async () => {
  await using machine = await startRfbUpstream(undefined, { password: "simsim" });
  const { ticket, sessionId } = await node.control.issue({
    upstream: { ...machine.upstream, password: "sesame" },
  });
  await using viewer = await TestViewer.bare(node.origin, ticket);

  await assert.rejects(viewer.handshake(), { kind: "refused" });

  await eventually(() =>
    assert.equal(node.control.endingOf(sessionId)?.ending?.code, "upstream_authentication_failed"),
  );
});
