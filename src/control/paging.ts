import { type Page, pageLimits } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { PageRequest } from "./services.ts";

/** How many items the page is to have. Throws `request_invalid` outside of the bounds. */
export function pageSize({ limit = pageLimits.defaultItems }: PageRequest): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > pageLimits.maximumItems)
    throw new GatewayError("request_invalid", {
      detail: `limit: must be from 1 to ${pageLimits.maximumItems}`,
    });
  return limit;
}

/**
 * Makes a page of rows that were read with one more than `size`: the one more says that there is a next page. The
 * cursor is the last row's key, so that a page costs the same however deep it lies.
 */
export function toPage<Row, Item>(
  rows: readonly Row[],
  size: number,
  { item, key }: { readonly item: (row: Row) => Item; readonly key: (row: Row) => readonly string[] },
): Page<Item> {
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  const items = shown.map(item);
  if (rows.length <= size || last === undefined) return { items };
  return { items, next: Buffer.from(JSON.stringify(key(last))).toString("base64url") };
}

/** The key behind which the page begins; absent on the first. Throws `request_invalid` for a cursor that is not ours. */
export function readCursor<const Parts extends readonly string[]>(
  { after }: PageRequest,
  ...parts: Parts
): { readonly [Part in keyof Parts]: string } | undefined {
  if (after === undefined) return undefined;
  const key = parse(after);
  if (!isKey<Parts>(key, parts.length))
    throw new GatewayError("request_invalid", { detail: "after: not a cursor" });
  return key;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}

function isKey<Parts extends readonly string[]>(
  value: unknown,
  length: number,
): value is { readonly [Part in keyof Parts]: string } {
  return Array.isArray(value) && value.length === length && value.every((part) => typeof part === "string");
}
