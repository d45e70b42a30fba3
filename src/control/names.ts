import { GatewayError } from "#wire/gateway-error.ts";

const limits = {
  /** As in the schemas of wire/api.ts. */
  nameCharacters: 128,
} as const;

/**
 * A name as it is kept: composed (NFC), without blanks at its ends, so that names that look alike are alike.
 * Throws `request_invalid` for one that is empty or holds control, format or line characters.
 */
export function cleanName(name: string): string {
  const clean = name.normalize("NFC").trim();
  const good = /^[^\p{C}\p{Zl}\p{Zp}]+$/u.test(clean) && [...clean].length <= limits.nameCharacters;
  if (!good)
    throw new GatewayError("request_invalid", { detail: "name: must be 1 to 128 printable characters" });
  return clean;
}

/** The form under which names are sorted and searched: letters in lower case, whatever the database's collation. */
export function nameKey(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}
