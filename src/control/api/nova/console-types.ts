import type { ConsoleProtocol } from "#wire/grant.ts";
import type { SettingName } from "../../settings/table.ts";
import type { Microversion } from "./microversion.ts";
import type { Choices } from "./request-body.ts";

/** A family of consoles, as requests name it. */
const PROTOCOLS = ["vnc", "spice", "serial", "rdp", "mks"] as const;
export type NovaProtocol = (typeof PROTOCOLS)[number];

/** What a viewer is. */
const TYPES = ["novnc", "xvpvnc", "spice-html5", "serial", "rdp-html5", "webmks", "spice-direct"] as const;
export type ConsoleType = (typeof TYPES)[number];

/** What is given out of a family: which consoles of ours these are, and as what. */
interface Carried {
  readonly protocol: ConsoleProtocol;
  readonly type: ConsoleType;
  /** Where such a console's URL begins, if the operator has set it. */
  readonly base: SettingName;
}

/**
 * The families that nodes carry. Nova answers of the others as of those that an operator has not enabled, and of RDP, which it
 * has given up, that it cannot be asked for.
 */
export const CARRIED: Readonly<Record<NovaProtocol, Carried | "unavailable" | "refused">> = {
  vnc: { protocol: "rfb", type: "novnc", base: "novncproxy_base_url" },
  spice: "unavailable",
  rdp: "refused",
  serial: { protocol: "serial", type: "serial", base: "serialproxy_base_url" },
  mks: { protocol: "webmks", type: "webmks", base: "webmks_proxy_base_url" },
};

/** The bare form, which has no microversions. */
export const ALL_CHOICES = { protocol: PROTOCOLS, type: TYPES } as const satisfies Choices;

/** What the schema of a microversion allows: mks came with 2.8, spice-direct with 2.99. */
export function choicesOf(version: Microversion) {
  const isIn = (word: string) =>
    (version >= 8 || (word !== "mks" && word !== "webmks")) && (version >= 99 || word !== "spice-direct");
  return { protocol: PROTOCOLS.filter(isIn), type: TYPES.filter(isIn) };
}
