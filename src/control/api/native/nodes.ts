import { NodeDrain } from "#wire/api.ts";
import type { DrainOptions, DrainOutcome } from "../../services.ts";
import { IdParams, problems, ref } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["installation"];

/** What becomes of a node, by the last part of the route. */
const OUTCOMES: readonly (readonly [verb: string, outcome: DrainOutcome, summary: string])[] = [
  ["drain", "stay", "Give a node no new sessions, until it is started (administrators)"],
  ["restart", "restart", "Have a node end and come back, once it carries no session (administrators)"],
  ["stop", "stop", "Have a node carry no session, until it is started (administrators)"],
  [
    "destroy",
    "destroy",
    "Have a node end for ever and forget it, once it carries no session (administrators)",
  ],
];

/** Takes console nodes out of service, and back. */
export function nodeRoutes(app: NativeApp, { services: { nodes }, callerOf }: NativeDeps): void {
  app.get(
    "/nodes/:id",
    {
      schema: {
        operationId: "getNode",
        summary: "One console node (administrators)",
        tags,
        params: IdParams,
        response: { 200: ref("Node", { description: "The node" }), ...problems("not_found") },
      },
    },
    async (request) => await nodes.get(callerOf(request), request.params.id),
  );

  for (const [verb, outcome, summary] of OUTCOMES)
    app.post(
      `/nodes/:id/${verb}`,
      {
        schema: {
          operationId: `${verb}Node`,
          summary,
          tags,
          params: IdParams,
          body: NodeDrain,
          response: {
            200: ref("Node", { description: "The node, as it is now" }),
            ...problems("not_found", "conflict", "body_too_large", "media_type_unsupported"),
          },
        },
      },
      async (request) =>
        await nodes.drain(callerOf(request), request.params.id, { outcome, ...optionsOf(request.body) }),
    );

  app.post(
    "/nodes/:id/start",
    {
      schema: {
        operationId: "startNode",
        summary: "Give a node sessions again that was drained or stopped (administrators)",
        tags,
        params: IdParams,
        response: {
          200: ref("Node", { description: "The node, as it is now" }),
          ...problems("not_found", "conflict"),
        },
      },
    },
    async (request) => await nodes.start(callerOf(request), request.params.id),
  );
}

function optionsOf({ now, deadlineSeconds, warn }: NodeDrain): Omit<DrainOptions, "outcome"> {
  const seconds = now === true ? 0 : deadlineSeconds;
  return {
    ...(seconds === undefined ? {} : { deadlineMs: seconds * 1000 }),
    ...(warn === undefined ? {} : { warn }),
  };
}
