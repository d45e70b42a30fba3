import { cloudStackQuery, type Keys, type Reply, type TestApi } from "./api.ts";

export interface CloudStackReply extends Reply {
  /** What stands inside the one field that every answer is. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** A signed GET of one command, answered in JSON. */
export async function cloudStackCall(
  api: TestApi,
  parameters: Readonly<Record<string, string>>,
  keys: Keys = api.keys,
): Promise<CloudStackReply> {
  return withContent(
    await api.call("GET", `/client/api?${cloudStackQuery(keys, { response: "json", ...parameters })}`),
  );
}

/** The same as a form by POST, not signed unless the parameters say so. */
export async function cloudStackForm(
  api: TestApi,
  parameters: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<CloudStackReply> {
  const text = new URLSearchParams({ response: "json", ...parameters }).toString();
  const type = { "content-type": "application/x-www-form-urlencoded" };
  return withContent(await api.call("POST", "/client/api", { text, headers: { ...type, ...headers } }));
}

function withContent(reply: Reply): CloudStackReply {
  const [content] = Object.values(reply.json as Record<string, Readonly<Record<string, unknown>>>);
  return { ...reply, content: content ?? {} };
}
