import type { Ending } from "#wire/viewer.ts";
import { knownCode } from "../ui/error-texts.ts";
import { isThisPage, type Pass, passOf, reopenUrl } from "./addresses.ts";

/** Where a console that is opened again is to be found. */
export type Reopened =
  /** On this page, with a new ticket. */
  | { readonly kind: "here"; readonly pass: Pass; readonly page: URL }
  | { readonly kind: "elsewhere"; readonly url: URL }
  | { readonly kind: "refused"; readonly ending: Ending }
  /** Nobody answered, so that the credential is still good. */
  | { readonly kind: "unreachable" };

const limits = { answerMs: 20_000 } as const;

/** Spends a reopen credential on a new ticket, at the node that the page came from. */
export async function reopen(page: URL, credential: string, send: typeof fetch = fetch): Promise<Reopened> {
  let response: Response;
  try {
    response = await send(reopenUrl(page), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ credential }),
      cache: "no-store",
      signal: AbortSignal.timeout(limits.answerMs),
    });
  } catch {
    return { kind: "unreachable" };
  }
  const body: unknown = await response.json().catch(() => undefined);
  return response.ok ? reopened(page, body) : refused(response.status, body);
}

function reopened(page: URL, body: unknown): Reopened {
  const url = URL.parse(String(member(body, "url")));
  if (url === null || !/^https?:$/.test(url.protocol))
    return { kind: "refused", ending: { kind: "failed", code: "internal" } };
  const pass = passOf(new URLSearchParams(url.hash.slice(1)));
  if (pass === undefined || !isThisPage(page, url)) return { kind: "elsewhere", url };
  const here = new URL(page);
  here.search = url.search;
  return { kind: "here", pass, page: here };
}

/** Answers that are not ours come from something in between: then the node was not reached. */
function refused(status: number, body: unknown): Reopened {
  const error = member(body, "error");
  const code = member(error, "code");
  if (typeof code !== "string") return { kind: "unreachable" };
  const detail = member(error, "detail");
  const reference = member(error, "reference");
  return {
    kind: "refused",
    ending: {
      kind: status < 500 ? "refused" : "failed",
      code: knownCode(code),
      ...(typeof detail === "string" ? { detail } : {}),
      ...(typeof reference === "string" ? { reference } : {}),
    },
  };
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
