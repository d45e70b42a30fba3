import { type Static, Type } from "typebox";
import { Compile } from "typebox/schema";
import { readCertificatePin } from "#wire/certificate-pin.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";

/**
 * What stands in the internal access path of a console of type webmks (nova/virt/vmwareapi/vmops.py, get_mks_console): what the vCenter's
 * AcquireTicket("mks") says beside host and port. Both strings are said to authd in lines.
 */
const Access = Type.Object({
  ticket: Type.String({ pattern: "^[!-~]+$", maxLength: 512 }),
  cfgFile: Type.String({ pattern: "^[^\\x00-\\x1f\\x7f]+$", maxLength: 1024 }),
  /** Of authd's certificate: SHA-1, as of all versions, or SHA-256. */
  thumbprint: Type.String({ maxLength: 128 }),
});
const ACCESS = Compile(Access);

/** Where a node finds a machine's mks. Throws `nova_console_unfit` where what Nova says of it is none. */
export function mksUpstream(
  at: { readonly host: string; readonly port: number },
  path: string | null,
): Upstream {
  const { ticket, cfgFile, thumbprint } = readAccess(path);
  const digits = thumbprint.replaceAll(":", "");
  const pin = readCertificatePin(`${digits.length === 64 ? "sha256" : "sha1"}:${digits}`);
  if (pin === undefined) throw unfit("its internal access path names no certificate's thumbprint");
  return { address: { kind: "authd", ...at, ticket, cfgFile }, tls: { mode: "pin", pin } };
}

function readAccess(path: string | null): Static<typeof Access> {
  const access = parsed(path ?? "");
  if (!ACCESS.Check(access)) throw unfit("its internal access path is not one of MKS");
  return access;
}

/** Nothing of what stands there is told: it is a ticket. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unfit(detail: string): GatewayError {
  return new GatewayError("nova_console_unfit", { detail });
}
