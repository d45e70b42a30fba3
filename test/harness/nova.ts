import type { Keys, Reply, TestApi } from "./api.ts";

/** Who the caller is, and in which microversion it speaks; absent: the administrator, in none. */
interface Asked {
  readonly as?: Keys | string;
  readonly version?: string;
  readonly body?: unknown;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An API key as OpenStack's clients send it. */
export function novaToken({ apiKey, secretKey }: Keys): string {
  return `${apiKey}:${secretKey}`;
}

/** A call of the Nova API, below `/compute`. */
export async function novaCall(
  api: TestApi,
  method: string,
  path: string,
  { as = api.keys, version, headers, ...content }: Asked = {},
): Promise<Reply> {
  return await api.call(method, `/compute${path}`, {
    ...content,
    headers: {
      "x-auth-token": typeof as === "string" ? as : novaToken(as),
      ...(version === undefined ? {} : { "openstack-api-version": `compute ${version}` }),
      ...headers,
    },
  });
}

/** A fault as Nova writes it: its status, its name, and its sentence. */
export function faultOf({ status, json }: Reply): readonly [status: number, name: string, message: string] {
  const [entry] = Object.entries(json as Readonly<Record<string, { readonly message: string }>>);
  return [status, entry?.[0] ?? "", entry?.[1].message ?? ""];
}
