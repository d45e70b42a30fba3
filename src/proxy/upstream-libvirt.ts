import type { Socket } from "node:net";
import type { ProtocolError } from "#base/protocol-error.ts";
import { openConsoleLine, SignInUnspoken } from "#protocols/libvirt/console.ts";
import { REMOTE_ERRORS, RemoteError } from "#protocols/libvirt/remote-error.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import { answered } from "./answered.ts";
import { LibvirtStream } from "./libvirt-stream.ts";
import { asCertificateRefused, tlsError } from "./upstream-tls.ts";

type LibvirtAddress = Extract<Upstream["address"], { kind: "libvirt" }>;

/**
 * Signs in to libvirt over a connection to it, which by TCP is within TLS, and has it open a machine's serial line. The stream that comes out is paused
 * at the line's first byte, and takes the connection with it. Throws a GatewayError, or the signal's reason.
 */
export async function overLibvirt(
  socket: Socket,
  { address, signal }: { readonly address: LibvirtAddress; readonly signal: AbortSignal },
): Promise<LibvirtStream> {
  const { uri, domain, device, at } = address;
  const isFar = at.kind === "tcp";
  let isSignedIn = false;
  const send = (bytes: Uint8Array) => {
    // The first word of ours follows that libvirt takes the certificate.
    isSignedIn = true;
    socket.write(bytes);
  };
  try {
    const answer = openConsoleLine(send, { uri, domain, device, isFar });
    const opened = await answered(socket, { answer, isWrong: notLibvirt, signal });
    return new LibvirtStream(socket, opened);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw isFar && !isSignedIn ? (tlsErrorOf(error) ?? asCertificateRefused(error)) : translated(error);
  }
}

function tlsErrorOf(error: unknown): GatewayError | undefined {
  return error instanceof GatewayError ? tlsError(error.cause) : undefined;
}

function notLibvirt(cause: ProtocolError): GatewayError {
  return new GatewayError("upstream_protocol_error", {
    cause,
    detail: "what answers there does not speak libvirt's protocol",
  });
}

/** What libvirt has answered is told by its kind: its words have names in them. */
function translated(cause: unknown): unknown {
  if (cause instanceof SignInUnspoken)
    return new GatewayError("upstream_refused", {
      cause,
      detail:
        "libvirt asks the console node to sign in in a way that is not spoken here: a client certificate or polkit is",
    });
  if (!(cause instanceof RemoteError)) return cause;
  switch (cause.code) {
    case REMOTE_ERRORS.noDomain:
      return new GatewayError("machine_gone", { cause });
    case REMOTE_ERRORS.operationInvalid:
      return new GatewayError("machine_not_running", { cause });
    // Of all that is asked here, libvirt fails with this number where somebody has the line.
    case REMOTE_ERRORS.operationFailed:
      return new GatewayError("upstream_line_busy", { cause });
    case REMOTE_ERRORS.operationDenied:
    case REMOTE_ERRORS.authenticationFailed:
    case REMOTE_ERRORS.authenticationCancelled:
    case REMOTE_ERRORS.accessDenied:
      return new GatewayError("upstream_refused", {
        cause,
        detail: "libvirt does not let the console node open serial lines",
      });
    case REMOTE_ERRORS.noSupport:
      return new GatewayError("upstream_refused", {
        cause,
        detail: "this libvirt cannot open serial lines so that nobody disturbs another",
      });
    default:
      return new GatewayError("upstream_refused", {
        cause,
        detail: "libvirt does not open the serial line; its reason is in the console node's log",
      });
  }
}
