import { origin } from "#base/config.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { RegisterRequest } from "#wire/link.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Queries, Store } from "../store/store.ts";
import { createAddressGiving } from "./address-giving.ts";
import { addressOf, familyOf, type IpKey } from "./ip-range.ts";
import { createAddressCheck } from "./own-address.ts";

/** Where a node is, as its row has it. */
interface Place {
  readonly page_origin: string;
  readonly web_socket_origin: string;
  readonly shares_address: 0 | 1;
  readonly given_key: IpKey | null;
  /** The address, where it has just been given it. */
  readonly given?: string | undefined;
}

/**
 * Says where a node that registers is to be found: where it says, or, where it has no address, at one that its pool has
 * to give. Throws `address_taken`, `no_public_address`, or `request_invalid`.
 */
export function createPlaces(store: Store, values: SettingValues) {
  const requireOwnAddress = createAddressCheck(store, values);
  const giveAddress = createAddressGiving(store);
  return async (db: Queries, nodeId: string, request: RegisterRequest): Promise<Place> => {
    const place = await find(db, nodeId, request);
    await requireOwnAddress(db, { ...place, id: nodeId });
    return place;
  };

  async function find(db: Queries, nodeId: string, request: RegisterRequest): Promise<Place> {
    const { wantedAddress: wanted, pageOrigin, webSocketOrigin } = request;
    if (wanted === undefined)
      return {
        page_origin: parse("pageOrigin", pageOrigin, origin),
        web_socket_origin: parse("webSocketOrigin", webSocketOrigin, origin),
        shares_address: request.sharesAddress === true ? 1 : 0,
        // One that has an address of its own now gives back what it was given.
        given_key: null,
      };
    const { key, isNew } = await giveAddress(db, nodeId, wanted.families);
    const address = addressOf(key);
    const host = familyOf(key) === "ipv4" ? address : `[${address}]`;
    return {
      page_origin: origin(`${wanted.scheme}://${host}:${wanted.pagePort}`),
      web_socket_origin: origin(`${wanted.scheme}://${host}:${wanted.webSocketPort}`),
      shares_address: 0,
      given_key: key,
      given: isNew ? address : undefined,
    };
  }
}

/** What a node said of itself. Throws `request_invalid`. */
export function parse(field: string, text: string, read: (text: string) => string): string {
  try {
    return read(text);
  } catch (cause) {
    const detail = `${field}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new GatewayError("request_invalid", { cause, detail });
  }
}
