import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import { Secret } from "#base/secret.ts";
import type { DriverMachine } from "#hypervisors/driver.ts";
import type { Trust } from "#hypervisors/trust.ts";
import { parseXenAddress } from "#hypervisors/xenserver/address.ts";
import { createXenDriver } from "#hypervisors/xenserver/driver.ts";
import type { XenAccess } from "#hypervisors/xenserver/xapi-client.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { ACCOUNTS, type XapiMachine, type XapiPool } from "../harness/xapi/pool.ts";

interface Access {
  readonly trust?: Trust;
  readonly username?: string;
  readonly secret?: string;
  readonly query?: string;
}

export function driverOf(pool: XapiPool, access?: Access) {
  return createXenDriver(accessOf(pool, access));
}

export function accessOf(
  pool: XapiPool,
  {
    trust = { caCertificate: pool.authority.pem },
    username = "console",
    secret = ACCOUNTS.console.password,
    query = "",
  }: Access = {},
): XenAccess {
  return {
    address: parseXenAddress(pool.address + query),
    ...{ username, secret: new Secret(secret), isReadOnly: false, trust },
  };
}

export function recordOf({ uuid }: XapiMachine): DriverMachine {
  return {
    ...{ id: randomUUID(), protocol: "rfb", address: uuid, password: undefined, state: "running" },
  };
}

export async function lend(driver: ReturnType<typeof createXenDriver>, added: XapiMachine) {
  const lent = await driver.lend?.(recordOf(added), async () => {});
  assert.ok(lent !== undefined);
  return lent;
}

/** Everything that an operator's log would have of what was thrown. */
export async function failed(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => assert.fail("it did not fail"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof GatewayError, inspect(error));
  const { cause } = error;
  const step = cause instanceof Error && "step" in cause ? `${cause.step}: ${cause.message}` : "";
  return `${step} ${inspect(error, { depth: 10 })}`;
}

export async function pinOf({ hosts }: XapiPool, index: number): Promise<string> {
  const digest = await hosts[index]?.certificate.certificate.getThumbprint("SHA-256");
  return `sha256:${Buffer.from(digest ?? assert.fail()).toString("hex")}`;
}

export function logins({ calls }: XapiPool): number {
  return calls.asked.filter((method) => method === "session.login_with_password").length;
}

export function refusal(code: string, ...data: readonly string[]): string {
  return JSON.stringify({ jsonrpc: "2.0", id: 0, error: { code: 1, message: code, data } });
}
