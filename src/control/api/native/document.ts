import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import { Type } from "typebox";
import type { NativeApp } from "./native.ts";

/** What the OpenAPI document says beside the routes' own schemas. */
export function documentOptions(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Porthole",
        version,
        description:
          "The native API of Porthole's control plane: machines, their consoles, and the installation around them. " +
          "Every error has the same body; its `code` stands in the catalogue of docs/errors.md.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      tags: [
        { name: "machines", description: "The virtual machines, and opening their consoles" },
        { name: "sessions", description: "Consoles that are or were open" },
        { name: "projects", description: "Who sees which machines" },
        { name: "accounts", description: "Who may sign in, and with which API keys" },
        { name: "installation", description: "Settings and console nodes" },
        { name: "audit", description: "Who did what, from where, and what came of it" },
        { name: "sign-in", description: "The web session" },
      ],
      components: {
        securitySchemes: {
          apiKey: {
            type: "http",
            scheme: "basic",
            description: "The API key as user name, its secret key as password",
          },
          session: {
            type: "apiKey",
            in: "cookie",
            name: "__Host-porthole",
            description:
              "The web session that signing in gives; on plain HTTP the cookie's name is `porthole`. " +
              "Whatever changes something must come from a page of the same origin.",
          },
        },
      },
      security: [{ apiKey: [] }, { session: [] }],
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) => String(json["$id"] ?? `def-${index}`),
    },
  };
}

/** The document itself is public: it says nothing that the project's own repository does not. */
export function documentRoute(app: NativeApp): void {
  app.get(
    "/openapi.json",
    {
      schema: {
        operationId: "getApiDocument",
        summary: "This document",
        tags: ["installation"],
        security: [],
        response: {
          200: Type.Unsafe<object>({
            type: "object",
            additionalProperties: true,
            description: "OpenAPI 3.1",
          }),
        },
      },
    },
    async () => app.swagger(),
  );
}
