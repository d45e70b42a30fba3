import { ProtocolError } from "#base/protocol-error.ts";
import { REMOTE_ERRORS, RemoteError } from "#protocols/libvirt/remote-error.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { explained as explainedOf } from "../explained.ts";

/** Does it, and throws a GatewayError in place of what libvirt or the way to it has thrown. */
export async function explained<Result>(work: () => Promise<Result>): Promise<Result> {
  return await explainedOf("libvirt", work, translated);
}

function translated(cause: unknown): unknown {
  if (cause instanceof ProtocolError)
    return new GatewayError("upstream_refused", { cause, detail: "libvirt: what it says cannot be read" });
  if (!(cause instanceof RemoteError)) return cause;
  switch (cause.code) {
    case REMOTE_ERRORS.noDomain:
      return new GatewayError("machine_gone", { cause });
    case REMOTE_ERRORS.operationInvalid:
      return new GatewayError("machine_not_running", { cause });
    default:
      return new GatewayError("upstream_refused", {
        cause,
        detail: "libvirt does not do what it is asked; its reason is in control's log",
      });
  }
}
