/** What is said on the node link of consoles that a Nova gave out, which this installation serves for it. */
import { type Static, Type } from "typebox";
import { Incarnation } from "./link.ts";

/** What Nova makes its console tokens of (nova/objects/console_auth_token.py): UUIDs of version 4. None of our tickets is one. */
const NOVA_TOKEN = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$";
const novaToken = new RegExp(NOVA_TOKEN);

export function isNovaToken(text: string): boolean {
  return novaToken.test(text);
}

/**
 * What a viewer with a token takes its console for. Nova has a proxy, and so an address, for each kind, and does not say with
 * a token of which kind it is.
 */
const NOVA_CONSOLES = ["rfb", "serial", "spice", "webmks"] as const;
export type NovaConsole = (typeof NOVA_CONSOLES)[number];

/** A viewer came with a token of Nova's; answered with a Grant. A control that is older does not know the call. */
export const RedeemNovaRequest = Type.Object({
  incarnation: Incarnation,
  token: Type.String({ pattern: NOVA_TOKEN }),
  console: Type.Enum([...NOVA_CONSOLES]),
  viewerAddress: Type.String({ minLength: 1, maxLength: 64 }),
  /** The same question has the same one, when it is asked again because its answer was lost. */
  nonce: Type.String({ minLength: 8, maxLength: 64 }),
});
export type RedeemNovaRequest = Static<typeof RedeemNovaRequest>;
