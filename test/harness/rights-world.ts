import type { Caller, Services } from "#control/services.ts";
import type { TestControl } from "./control.ts";

/** One of everything, in a project that `insider` belongs to and `outsider` does not. */
export interface World {
  readonly services: Services;
  readonly admin: Caller;
  readonly insider: Caller;
  readonly outsider: Caller;
  readonly machineId: string;
  readonly projectId: string;
  readonly nodeId: string;
  /** Opened by `insider`. */
  readonly sessionId: string;
}

type Outcome = "ok" | "forbidden" | "not_found";
type Who = "admin" | "insider" | "outsider";

/** A method, and what comes of it for whom. */
export type Right = readonly [
  method: string,
  call: (world: World, caller: Caller) => Promise<unknown>,
  outcomes: Readonly<Record<Who, Outcome>>,
];

export async function createWorld(control: TestControl): Promise<World> {
  const { services, admin } = control;
  const { id: nodeId } = await control.node();
  const { id: projectId } = await services.projects.add(admin, { name: "ours" });
  const { id: machineId } = await control.machine({ project: projectId });
  const insider = await control.member("insider", ["ours"]);
  const outsider = await control.member("outsider", ["default"]);
  const { sessionId } = await services.consoles.open(insider, { machineId, api: "native" });
  return { services, admin, insider, outsider, machineId, projectId, nodeId, sessionId };
}

export function administrators(): Record<Who, Outcome> {
  return { admin: "ok", insider: "forbidden", outsider: "forbidden" };
}

export function everybody(): Record<Who, Outcome> {
  return { admin: "ok", insider: "ok", outsider: "ok" };
}
