import { createHmac } from "node:crypto";
import type { Secret } from "#base/secret.ts";
import { sameSecret } from "../../vault/same-secret.ts";
import { type Parameters, textOf } from "./parameters.ts";
import { readTime } from "./times.ts";

/**
 * CloudStack's request signature: base64(HMAC-SHA1(secret key, canonical form)). The canonical form is every
 * parameter but `signature` as `name=value`, sorted by name, joined by `&`, values percent-encoded, and the whole
 * in lower case.
 *
 * What "percent-encoded" leaves bare depends on each client's language, and CloudStack itself (Java) knows but
 * one of them. All are accepted here, because each is unambiguous: `&`, `=`, `+` and `%` are encoded in every one.
 */
const BARE_CHARACTERS = [
  "*", // Java's URLEncoder
  "~", // RFC 3986: Python 3, Go, PHP
  "~*", // Python's quote(safe="*"), as Marvin and cs do
  "~*!'()", // ECMAScript's encodeURIComponent
] as const;

const ENCODINGS = BARE_CHARACTERS.flatMap((bare) =>
  ["", "[]"].flatMap((brackets) => ["%20", "+"].map((space) => ({ bare: bare + brackets, space }))),
);

const ORDERS = [(name: string) => name, (name: string) => name.toLowerCase()] as const;

/**
 * Every form that a client may have signed, one after the other and each once, the usual one first: most requests
 * cost no other. None where a name holds `&` or `=`: names are not encoded, so such a name could pass for several
 * parameters.
 */
export function* canonicalForms(parameters: Parameters): Generator<string, void> {
  const signed = [...parameters.values()].filter(({ name }) => name.toLowerCase() !== "signature");
  if (signed.some(({ name }) => /[&=]/.test(name))) return;
  const given = new Set<string>();
  for (const order of ORDERS) {
    const sorted = signed.toSorted((a, b) => compare(order(a.name), order(b.name)));
    for (const encoding of ENCODINGS) {
      const form = canonicalForm(sorted, encoding);
      if (!given.has(form)) yield form;
      given.add(form);
    }
  }
}

function canonicalForm(
  sorted: readonly { readonly name: string; readonly value: string }[],
  encoding: (typeof ENCODINGS)[number],
): string {
  return sorted
    .map(({ name, value }) => `${name}=${encoded(value, encoding)}`)
    .join("&")
    .toLowerCase();
}

export function sign(canonical: string, secretKey: Secret): string {
  return createHmac("sha1", secretKey.expose()).update(canonical).digest("base64");
}

/** Whether the request's own signature fits one of its canonical forms. */
export function signatureFits(parameters: Parameters, secretKey: Secret): boolean {
  const given = textOf(parameters, "signature");
  if (given === undefined) return false;
  for (const canonical of canonicalForms(parameters)) {
    if (sameSecret(given, sign(canonical, secretKey))) return true;
  }
  return false;
}

/**
 * Signature version 3 says until when the request holds; without it a request never expires. With `withinMs` it must
 * say so, and for no longer than that.
 */
export function isCurrent(
  parameters: Parameters,
  now: number,
  { withinMs }: { readonly withinMs?: number | undefined } = {},
): boolean {
  if (textOf(parameters, "signatureversion") !== "3") return withinMs === undefined;
  const expires = readTime(textOf(parameters, "expires") ?? "");
  return expires !== undefined && expires > now && expires <= now + (withinMs ?? Infinity);
}

function encoded(value: string, { bare, space }: { readonly bare: string; readonly space: string }): string {
  return encodeURIComponent(value.toWellFormed())
    .replace(/[!'()*~]/g, (character) => (bare.includes(character) ? character : percent(character)))
    .replace(/%5B|%5D/g, (code) => {
      const bracket = code === "%5B" ? "[" : "]";
      return bare.includes(bracket) ? bracket : code;
    })
    .replaceAll("%20", space);
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** By UTF-16 code units, as Java compares strings. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
