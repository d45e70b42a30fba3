import type { IncomingHttpHeaders } from "node:http";
import type { FastifyReply } from "fastify";
import { printable } from "#wire/gateway-error.ts";
import { NovaFault } from "./fault.ts";

/** The minor number of a microversion; the major one has been 2 ever since there are any. */
export type Microversion = number;

export const OLDEST: Microversion = 1;
export const NEWEST: Microversion = 104;

const STANDARD_HEADER = "openstack-api-version";
const LEGACY_HEADER = "x-openstack-nova-api-version";

export function versionText(version: Microversion): string {
  return `2.${version}`;
}

/**
 * Which microversion a request wants: the standard header may name several services and wins over the older one, `latest` is
 * the newest, and whoever says nothing gets the oldest. Throws the fault of a version that is none, or that we do not have, and
 * tells the reply of the version as Nova does.
 */
export function takeVersion(headers: IncomingHttpHeaders, reply: FastifyReply): Microversion {
  const wanted = standard(headers[STANDARD_HEADER]) ?? text(headers[LEGACY_HEADER]);
  if (wanted === undefined) return tell(reply, versionText(OLDEST), OLDEST);
  if (wanted.toLowerCase() === "latest") return tell(reply, versionText(NEWEST), NEWEST);
  const [, major, minor] = /^([1-9]\d{0,8})\.([1-9]\d{0,8}|0)$/.exec(wanted) ?? [];
  if (major === undefined || minor === undefined)
    throw new NovaFault(
      400,
      `API Version String ${printable(wanted)} is of invalid format. Must be of format MajorNum.MinorNum.`,
    );
  const version = Number(minor);
  tell(reply, wanted, version);
  if (major !== "2" || version < OLDEST || version > NEWEST)
    throw new NovaFault(
      406,
      `Version ${wanted} is not supported by the API. Minimum is ${versionText(OLDEST)} and maximum is ${versionText(NEWEST)}.`,
    );
  return version;
}

function tell(reply: FastifyReply, said: string, version: Microversion): Microversion {
  reply.headers({
    "openstack-api-version": `compute ${said}`,
    "x-openstack-nova-api-version": said,
    vary: ["OpenStack-API-Version", "X-OpenStack-Nova-API-Version"],
  });
  return version;
}

/** Of `volume 3.50, compute 2.8` what is for us, and of two such the last. */
function standard(header: string | string[] | undefined): string | undefined {
  const entries = text(header)?.split(",") ?? [];
  const ours = entries
    .map((entry) => /^\s*compute\s+(\S.*?)\s*$/i.exec(entry)?.[1])
    .filter((version) => version !== undefined);
  return ours.at(-1);
}

function text(header: string | string[] | undefined): string | undefined {
  const value = [header].flat().join(",").trim();
  return value === "" ? undefined : value;
}
