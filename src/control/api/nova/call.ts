import type { FastifyRequest } from "fastify";
import type { Log } from "#base/process/log.ts";
import type { Caller, Services } from "../../services.ts";
import type { SettingValues } from "../../settings/settings.ts";
import type { Microversion } from "./microversion.ts";

/** Everything that it may take to answer one request of somebody who is known. */
export interface NovaCall {
  readonly services: Services;
  readonly values: SettingValues;
  readonly caller: Caller;
  readonly version: Microversion;
  readonly request: FastifyRequest;
  /** Where this API is, without a slash at its end, as the request came to it: what links begin with. */
  readonly root: string;
  readonly log: Log;
}

/** The value of a path's parameter. */
export function parameterOf({ request }: Pick<NovaCall, "request">, name: string): string {
  return (request.params as Readonly<Record<string, string | undefined>>)[name] ?? "";
}
