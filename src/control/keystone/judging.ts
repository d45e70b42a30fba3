import { KEYSTONE_RIGHTS, type KeystoneRight } from "#wire/keystone.ts";
import type { Said } from "./answer.ts";

/** Role, in lower case, to what it comes to here. */
export type RoleRights = Readonly<Record<string, KeystoneRight>>;

/**
 * Until an operator says otherwise. Nobody is an administrator of this installation for being one of the cloud: machines of others may
 * be here, too. Keystone's admins have the role member as well, which that of admin implies.
 */
export const FIRST_ROLES: RoleRights = { member: "member", reader: "reader" };

/** The greatest right that any of the roles comes to. */
export function rightOf(roles: readonly string[], rights: RoleRights): KeystoneRight | undefined {
  const had = new Set(roles.map((role) => (Object.hasOwn(rights, role) ? rights[role] : undefined)));
  return KEYSTONE_RIGHTS.find((right) => had.has(right));
}

/** Whether a right is no less than another. */
export function isAtLeast(right: KeystoneRight, other: KeystoneRight): boolean {
  return KEYSTONE_RIGHTS.indexOf(right) <= KEYSTONE_RIGHTS.indexOf(other);
}

/** By what a project may be mapped: its id, and its name in its domain. */
export function referencesOf({ id, name, domain }: NonNullable<Said["project"]>): readonly string[] {
  return [id, `${domain.name}/${name}`, `${domain.id}/${name}`].map((text) => text.normalize("NFC"));
}

const limits = {
  /** Of names here (control/names.ts). */
  nameCharacters: 128,
} as const;

/** A name of Keystone's as one may be here: printable, and not too long. */
export function nameHere(text: string): string {
  const clean = text
    .normalize("NFC")
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "�")
    .trim();
  const characters = [...clean];
  if (characters.length <= limits.nameCharacters) return clean === "" ? "�" : clean;
  return `${characters.slice(0, limits.nameCharacters - 1).join("")}…`.trim();
}

/** What to call somebody or something of Keystone's here, best first; the last is nobody else's. */
export function namesFor(short: string, long: string, id: string): readonly string[] {
  const room = limits.nameCharacters - [...id].length - " ()".length;
  const cut = [...nameHere(short)].slice(0, Math.max(1, room)).join("").trim();
  return [nameHere(short), nameHere(long), nameHere(`${cut} (${id})`)];
}
