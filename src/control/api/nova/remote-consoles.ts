import { type NovaCall, parameterOf } from "./call.ts";
import { ALL_CHOICES, choicesOf } from "./console-types.ts";
import { FAULTS } from "./fault.ts";
import { openConsole } from "./open-console.ts";
import { bodyOf, chosen, wrapped } from "./request-body.ts";

const limits = {
  /** The microversion with which remote consoles came. */
  firstVersion: 6,
} as const;

/** `POST /servers/{id}/remote-consoles`, from 2.6 on: says back what was asked for, and where it is. */
export async function createRemoteConsole(call: NovaCall): Promise<unknown> {
  if (call.version < limits.firstVersion) throw FAULTS.unknownPath();
  const { protocol, type } = wrapped(bodyOf(call.request), "remote_console", choicesOf(call.version));
  const url = await openConsole(call, { serverId: parameterOf(call, "id"), protocol, type });
  return { remote_console: { protocol, type, url } };
}

/** `POST /servers/{id}/console`, the bare form that was proposed to Nova: no wrapper and no microversions. */
export async function createConsole(call: NovaCall): Promise<unknown> {
  const { protocol, type } = chosen(bodyOf(call.request), ALL_CHOICES);
  const url = await openConsole(call, { serverId: parameterOf(call, "id"), protocol, type });
  return { protocol, url };
}
