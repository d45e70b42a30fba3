import assert from "node:assert/strict";
import { test } from "node:test";
import { toGranted, type Upstream } from "#wire/grant.ts";
import { type GrantsCommand, linkLimits } from "#wire/link.ts";
import { ALL_RIGHTS } from "#wire/rights.ts";
import { together } from "./offline-grants.ts";

const address = { kind: "tcp", host: "10.0.0.7", port: 5900 } as const;

function granted(sessionId: string, upstream: Upstream): GrantsCommand["grants"][number] {
  const machine = { id: "m", name: "m" };
  const rest = { attachment: 1, machine, protocol: "rfb", rights: ALL_RIGHTS, reopen: "r" } as const;
  return { grant: { sessionId, upstream: toGranted(upstream), ...rest }, expiresAt: 1 };
}

test("what an older node refuses keeps it from nothing that it takes", () => {
  const plain = granted("plain", { address });
  const guarded = granted("guarded", { address, tls: { mode: "insecure" } });

  assert.deepEqual(together([guarded, plain]), [plain]);
  assert.deepEqual(together([guarded]), [guarded], "which comes with the next command");
});

test("grants with certificates stay within a frame of the link, and none is too large to come at all", () => {
  const ca = "x".repeat(100_000);
  const large = Array.from({ length: 20 }, (_, index) =>
    granted(`${index}`, { address, tls: { mode: "verify", serverName: "kvm", ca } }),
  );

  const first = together(large);

  assert.ok(first.length > 0 && first.length < large.length);
  assert.ok(JSON.stringify(first).length < linkLimits.frameBytes);
  assert.equal(together(large.slice(0, 1)).length, 1);
});
