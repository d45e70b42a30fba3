import { Secret } from "#base/secret.ts";
import type { MachineChange } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Vault } from "../vault/vault.ts";
import { clientKeyPlace, GUARDED_DRIVER, MANUAL_DRIVER, passwordPlace } from "./driver-machine.ts";
import type { MachineRow } from "./machine-row.ts";
import { readMachineTls, tlsOnRecord } from "./machine-tls.ts";

type SecurityColumns = Pick<MachineRow, "password_sealed" | "username" | "tls" | "client_key_sealed">;

/** The columns that change with what is said of a machine's security. Throws `request_invalid`. */
export function securityColumns(
  { password, username, tls }: Pick<MachineChange, "password" | "username" | "tls">,
  { vault, id }: { readonly vault: Vault; readonly id: string },
): Partial<SecurityColumns> {
  return {
    ...(password === undefined ? {} : { password_sealed: sealPassword(vault, id, password) }),
    ...(username === undefined ? {} : { username }),
    ...(tls === undefined ? {} : tlsColumns(tls, { vault, id })),
  };
}

/** Addresses with TLS from the first byte on. */
const WITH_TLS = /^(tls|telnets|wss):/;

/** Which driver a machine of this kind has, once it is whole. Throws `request_invalid` for what cannot go together. */
export function manualDriverOf(
  machine: Pick<
    MachineRow,
    "protocol" | "address" | "serial_address" | "username" | "tls" | "password_sealed"
  >,
): string {
  const { protocol, address, serial_address: line, username, password_sealed: password } = machine;
  const isLine = protocol === "serial";
  if (isLine && line !== null) throw invalid("serialAddress: the machine's address is its serial line");
  if (isLine && password !== null) throw invalid("password: nobody signs in to a serial line");
  const tls = machine.tls === null ? undefined : tlsOnRecord(machine.tls);
  if (username !== null && password === null) throw invalid("username: it goes with a password");
  if (tls?.mode === "verify" && tls.serverName === undefined && address.startsWith("unix:"))
    throw invalid("tls: a socket's path is no name that a certificate is for; set serverName as well");
  if (isLine && tls !== undefined && !WITH_TLS.test(address))
    throw invalid("tls: a serial line has TLS around it, by telnets://, tls:// or wss://, or none");
  if (tls === undefined && (WITH_TLS.test(address) || WITH_TLS.test(line ?? "")))
    throw invalid(
      "tls: an address with TLS goes with how its certificate is judged: verify, pin or insecure",
    );
  if (tls?.pin?.startsWith("ra2:") === true && (password === null || WITH_TLS.test(address)))
    throw invalid("tls: a pin of RA2 goes with a password, and with an address without TLS");
  const isPlain = !/^(tls|wss?):/.test(address);
  // Older replicas know no serial lines.
  return !isLine && isPlain && username === null && tls === undefined ? MANUAL_DRIVER : GUARDED_DRIVER;
}

function tlsColumns(
  tls: NonNullable<MachineChange["tls"]> | null,
  { vault, id }: { readonly vault: Vault; readonly id: string },
): Pick<SecurityColumns, "tls" | "client_key_sealed"> {
  if (tls === null) return { tls: null, client_key_sealed: null };
  const { tls: kept, clientKey } = readMachineTls(tls);
  const sealed = clientKey === undefined ? null : vault.seal(clientKey, clientKeyPlace(id));
  return { tls: JSON.stringify(kept), client_key_sealed: sealed };
}

/** An empty password is none: no VNC server can be told apart by it. */
function sealPassword(vault: Vault, id: string, password: string | null): string | null {
  return password ? vault.seal(new Secret(password), passwordPlace(id)) : null;
}

function invalid(detail: string): GatewayError {
  return new GatewayError("request_invalid", { detail });
}
