import { KeystoneChange } from "#wire/keystone.ts";
import { nothing, problems, ref } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["installation"];

/** The Keystone whose tokens are good at the Nova API. Secrets come in here, and never go out. */
export function keystoneRoutes(
  app: NativeApp,
  { services: { keystone }, callerOf }: Pick<NativeDeps, "services" | "callerOf">,
): void {
  app.get(
    "/keystone",
    {
      schema: {
        operationId: "getKeystone",
        summary:
          "Whether tokens of a Keystone are good at the Nova API, and what they come to (administrators)",
        tags,
        response: { 200: ref("Keystone", { description: "What is configured" }), ...problems() },
      },
    },
    async (request) => await keystone.show(callerOf(request)),
  );

  app.patch(
    "/keystone",
    {
      schema: {
        operationId: "configureKeystone",
        summary:
          "Have tokens of a Keystone be good at the Nova API, or change what they come to (administrators)",
        description:
          "What is absent stays. Where a role comes to something else, or a project is mapped to another one or to none, whoever came by that is judged anew by the next token.",
        tags,
        body: KeystoneChange,
        response: {
          200: ref("Keystone", { description: "What is configured now" }),
          ...problems("not_found", "conflict", "limit_reached", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request) => await keystone.configure(callerOf(request), request.body),
  );

  app.post(
    "/keystone/test",
    {
      schema: {
        operationId: "testKeystone",
        summary:
          "Go the whole way to Keystone and sign in there, and say at which step it failed (administrators)",
        tags,
        response: {
          200: ref("KeystoneTest", { description: "How it went; a way that failed is an answer, too" }),
          ...problems("not_found"),
        },
      },
    },
    async (request) => await keystone.test(callerOf(request)),
  );

  app.delete(
    "/keystone",
    {
      schema: {
        operationId: "disableKeystone",
        summary: "Take no more tokens of Keystone; its users' accounts and consoles go (administrators)",
        tags,
        response: { 204: nothing({ description: "It is off" }), ...problems("not_found") },
      },
    },
    async (request, reply) => {
      await keystone.disable(callerOf(request));
      return reply.code(204).send(null);
    },
  );
}
