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
  /** Where while it serves TLS; null where it serves none. */
  readonly secure_page_origin: string | null;
  readonly secure_web_socket_origin: string | null;
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
    const { wantedAddress: wanted, pageOrigin, webSocketOrigin, secure } = request;
    if (wanted === undefined)
      return {
        page_origin: parse("pageOrigin", pageOrigin, origin),
        web_socket_origin: parse("webSocketOrigin", webSocketOrigin, origin),
        secure_page_origin: secure === undefined ? null : parse("secure", secure.pageOrigin, secureOrigin),
        secure_web_socket_origin:
          secure === undefined ? null : parse("secure", secure.webSocketOrigin, secureOrigin),
        shares_address: request.sharesAddress === true ? 1 : 0,
        // One that has an address of its own now gives back what it was given.
        given_key: null,
      };
    const { key, isNew } = await giveAddress(db, nodeId, wanted.families);
    const address = addressOf(key);
    const host = familyOf(key) === "ipv4" ? address : `[${address}]`;
    const byTls = (port: number | undefined) =>
      port === undefined ? null : origin(`https://${host}:${port}`);
    return {
      secure_page_origin: byTls(wanted.tls?.pagePort),
      secure_web_socket_origin: byTls(wanted.tls?.webSocketPort),
      page_origin: origin(`${wanted.scheme}://${host}:${wanted.pagePort}`),
      web_socket_origin: origin(`${wanted.scheme}://${host}:${wanted.webSocketPort}`),
      shares_address: 0,
      given_key: key,
      given: isNew ? address : undefined,
    };
  }
}

function secureOrigin(text: string): string {
  const parsed = origin(text);
  if (!parsed.startsWith("https:")) throw new Error("must begin with https://");
  return parsed;
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
