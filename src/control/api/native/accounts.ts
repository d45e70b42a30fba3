import { Type } from "typebox";
import { AccountChange, NewAccount } from "#wire/api.ts";
import { IdParams, IdPart, listOf, nothing, PAGE_QUERY, pageOf, problems, ref } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["accounts"];

export function accountRoutes(app: NativeApp, deps: NativeDeps): void {
  ownRoutes(app, deps);
  manageRoutes(app, deps);
  keyRoutes(app, deps);
}

function ownRoutes(app: NativeApp, { services: { accounts }, callerOf }: NativeDeps): void {
  app.get(
    "/me",
    {
      schema: {
        operationId: "getOwnAccount",
        summary: "The caller's own account",
        tags,
        response: { 200: ref("Account", { description: "The account" }), ...problems() },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      return await accounts.get(caller, caller.accountId);
    },
  );

  app.post(
    "/me/sign-in-link",
    {
      schema: {
        operationId: "makeOwnSignInLink",
        summary: "A link that signs the caller in to the web pages, once",
        tags,
        response: { 201: ref("SignInLink", { description: "The link" }), ...problems() },
      },
    },
    async (request, reply) => {
      reply.code(201);
      return await accounts.signInLink(callerOf(request));
    },
  );
}

function manageRoutes(app: NativeApp, { services: { accounts }, callerOf }: NativeDeps): void {
  app.get(
    "/accounts",
    {
      schema: {
        operationId: "listAccounts",
        summary: "All accounts (administrators)",
        tags,
        querystring: Type.Object(PAGE_QUERY, { additionalProperties: false }),
        response: { 200: pageOf("Account", { description: "One page of them" }), ...problems() },
      },
    },
    async (request) => await accounts.list(callerOf(request), request.query),
  );

  app.post(
    "/accounts",
    {
      schema: {
        operationId: "addAccount",
        summary: "Make an account (administrators)",
        tags,
        body: NewAccount,
        response: {
          201: ref("Account", { description: "The new account" }),
          ...problems("conflict", "not_found", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request, reply) => {
      reply.code(201);
      return await accounts.add(callerOf(request), request.body);
    },
  );

  app.get(
    "/accounts/:id",
    {
      schema: {
        operationId: "getAccount",
        summary: "One account",
        tags,
        params: IdParams,
        response: { 200: ref("Account", { description: "The account" }), ...problems("not_found") },
      },
    },
    async (request) => await accounts.get(callerOf(request), request.params.id),
  );

  app.patch(
    "/accounts/:id",
    {
      schema: {
        operationId: "updateAccount",
        summary: "Disable or enable an account, or set its projects (administrators)",
        tags,
        params: IdParams,
        body: AccountChange,
        response: {
          200: ref("Account", { description: "The account as it is now" }),
          ...problems("not_found", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request) => await accounts.update(callerOf(request), request.params.id, request.body),
  );

  app.delete(
    "/accounts/:id",
    {
      schema: {
        operationId: "removeAccount",
        summary: "Remove an account with its API keys and web sessions (administrators)",
        tags,
        params: IdParams,
        response: { 204: nothing({ description: "It is removed" }), ...problems("not_found", "conflict") },
      },
    },
    async (request, reply) => {
      await accounts.remove(callerOf(request), request.params.id);
      reply.code(204);
      return null;
    },
  );

  app.post(
    "/accounts/:id/sign-in-link",
    {
      schema: {
        operationId: "makeSignInLink",
        summary: "A link that signs an account in to the web pages, once",
        tags,
        params: IdParams,
        response: { 201: ref("SignInLink", { description: "The link" }), ...problems("not_found") },
      },
    },
    async (request, reply) => {
      reply.code(201);
      return await accounts.signInLink(callerOf(request), request.params.id);
    },
  );
}

function keyRoutes(app: NativeApp, { services: { accounts }, callerOf }: NativeDeps): void {
  app.get(
    "/accounts/:id/api-keys",
    {
      schema: {
        operationId: "listApiKeys",
        summary: "An account's API keys, without their secret keys",
        tags,
        params: IdParams,
        response: { 200: listOf("ApiKey", { description: "All of them" }), ...problems("not_found") },
      },
    },
    async (request) => ({ items: await accounts.listApiKeys(callerOf(request), request.params.id) }),
  );

  app.post(
    "/accounts/:id/api-keys",
    {
      schema: {
        operationId: "addApiKey",
        summary: "Make an API key; this answer alone holds its secret key",
        tags,
        params: IdParams,
        response: { 201: ref("NewApiKey", { description: "Both keys" }), ...problems("not_found") },
      },
    },
    async (request, reply) => {
      reply.code(201);
      return await accounts.addApiKey(callerOf(request), request.params.id);
    },
  );

  app.delete(
    "/accounts/:id/api-keys/:apiKey",
    {
      schema: {
        operationId: "removeApiKey",
        summary: "Withdraw an API key",
        tags,
        params: Type.Object({ id: IdPart, apiKey: IdPart }),
        response: { 204: nothing({ description: "It is withdrawn" }), ...problems("not_found", "conflict") },
      },
    },
    async (request, reply) => {
      await accounts.removeApiKey(callerOf(request), request.params.id, request.params.apiKey);
      reply.code(204);
      return null;
    },
  );
}
