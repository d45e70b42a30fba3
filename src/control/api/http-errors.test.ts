import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { GatewayError } from "#wire/gateway-error.ts";
import { logProblem } from "./http-errors.ts";

test("why a hypervisor gives no console is in the log, under the reference that the caller was told", () => {
  const lines: string[] = [];
  const log = pino({ level: "info", errorKey: "error" }, { write: (line: string) => void lines.push(line) });
  const cause = new Error("certificate has expired");

  logProblem(log, new GatewayError("upstream_refused", { cause, detail: "libvirt: tls" }), "r-1");
  logProblem(log, new GatewayError("not_found", { detail: "machine" }), "r-2");

  assert.deepEqual(
    lines.map((line) => {
      const { level, error, reference } = JSON.parse(line);
      return [level, error.message, reference];
    }),
    [[40, "certificate has expired", "r-1"]],
  );
});
