import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fromLatin1 } from "#base/bytes.ts";
import { HandshakeError } from "#protocols/rfb/handshake-error.ts";
import { ERRORS, type ErrorCode } from "#wire/errors.ts";
import type { Upstream } from "#wire/grant.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { startTestNode, type TestNode } from "../../test/harness/test-node.ts";
import { startUpstream } from "../../test/harness/test-upstream.ts";
import { TestViewer } from "../../test/harness/test-viewer.ts";

let node: TestNode;
before(async () => {
  node = await startTestNode({ deadlines: { upstreamMs: 1500, closingMs: 500 } });
});
after(async () => await node[Symbol.asyncDispose]());

const VERSION = fromLatin1("RFB 003.008\n");

const STEPS: readonly {
  readonly step: string;
  readonly detail?: string;
  readonly code: ErrorCode;
  readonly upstream?: Partial<Upstream>;
  readonly said?: Uint8Array;
}[] = [
  {
    step: "resolve",
    code: "upstream_name_unresolved",
    upstream: { address: { kind: "tcp", host: "no-such-host.invalid", port: 5900 } },
  },
  {
    // There is no name to be looked up.
    step: "connect",
    code: "upstream_not_allowed",
    upstream: { address: { kind: "tcp", host: "192.0.2.1", port: 5900 } },
  },
  {
    step: "connect",
    code: "upstream_connection_refused",
    upstream: { address: { kind: "unix", path: join(tmpdir(), "no") } },
  },
  {
    step: "handshake",
    code: "upstream_timeout",
    detail: "in RFB's handshake",
    said: VERSION,
  },
  {
    step: "tls",
    code: "upstream_timeout",
    detail: "while agreeing on TLS",
    upstream: { tls: { mode: "insecure" } },
    // VeNCrypt 0.2 with X509None, and that it may begin.
    said: Buffer.concat([VERSION, Uint8Array.of(1, 19, 0, 2, 0, 1, 0, 0, 1, 4, 1)]),
  },
  {
    step: "authentication",
    code: "upstream_timeout",
    detail: "while signing in",
    upstream: { password: "geheim" },
    said: Buffer.concat([VERSION, Uint8Array.of(1, 2), new Uint8Array(16)]),
  },
];

for (const { step, code, detail, upstream, said = new Uint8Array() } of STEPS) {
  test(`a console that fails in the step “${step}” says so to viewers, in its report and in the log`, async () => {
    await using machine = await startUpstream(({ socket }) => {
      // Nothing may come ahead of TLS, so what is said waits for whoever it is said to.
      let rest = said;
      socket.on("data", () => {
        socket.write(rest);
        rest = new Uint8Array();
      });
      socket.write(said.subarray(0, 12));
      rest = said.subarray(12);
    });
    const { ticket, sessionId } = await node.control.issue({
      upstream: { ...machine.upstream, ...upstream },
    });

    await using viewer = await TestViewer.bare(node.origin, ticket);
    await assert.rejects(viewer.handshake(), (error) => {
      assert.ok(
        error instanceof HandshakeError && error.reason?.startsWith(ERRORS[code].meaning),
        String(error),
      );
      assert.ok(detail === undefined || error.reason?.includes(`(${detail})`), error.reason);
      return true;
    });

    const { ending, step: reported } = await eventually(() => {
      const report = node.control.endingOf(sessionId);
      assert.ok(report !== undefined);
      return report;
    });
    assert.equal(ending?.code, code);
    assert.equal(ending.detail, detail);
    assert.equal(reported, step);
    const logged = node
      .log()
      .split("\n")
      .find((line) => line.includes(sessionId) && line.includes("Session ended"));
    assert.equal(JSON.parse(logged ?? "{}").step, step);
  });
}
