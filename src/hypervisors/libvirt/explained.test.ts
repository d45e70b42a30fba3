import assert from "node:assert/strict";
import { test } from "node:test";
import { REMOTE_ERRORS, RemoteError } from "#protocols/libvirt/remote-error.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { explained } from "./explained.ts";

const SAID = "Failed to connect socket to '/run/libvirt/qemu/web-1.monitor'";

for (const [what, number, code] of [
  ["not there", REMOTE_ERRORS.noDomain, "machine_gone"],
  ["not running", REMOTE_ERRORS.operationInvalid, "machine_not_running"],
  ["anything else", 38, "upstream_refused"],
] as const)
  test(`what libvirt says of a machine that is ${what} is for administrators alone`, async () => {
    const refused = explained(() => Promise.reject(new RemoteError(number, SAID)));

    const error = await refused.catch((failure: unknown) => failure);

    assert.ok(error instanceof GatewayError && error.cause instanceof RemoteError, String(error));
    assert.equal(error.code, code);
    assert.equal(error.cause.message, SAID);
    assert.doesNotMatch(JSON.stringify(error.toPublic()), /monitor/);
  });
