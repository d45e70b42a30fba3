import { ProtocolError } from "#base/protocol-error.ts";
import { REMOTE_ERRORS, RemoteError } from "#protocols/libvirt/remote-error.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { HypervisorStep } from "#wire/hypervisors.ts";
import { HypervisorError } from "../hypervisor-error.ts";

/** What the public is told of a way that failed. The step stands beside it; the rest is for the log. */
const CODES: Readonly<Record<HypervisorStep, ErrorCode>> = {
  dns: "upstream_name_unresolved",
  tcp: "upstream_unreachable",
  socket: "upstream_unreachable",
  tls: "upstream_refused",
  "host-key": "upstream_refused",
  credentials: "upstream_refused",
  answer: "upstream_timeout",
  rights: "upstream_refused",
};

/** Does it, and throws a GatewayError in place of what libvirt or the way to it has thrown. */
export async function explained<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw explain(cause);
  }
}

function explain(cause: unknown): unknown {
  if (cause instanceof HypervisorError)
    return new GatewayError(CODES[cause.step], { cause, detail: `libvirt: ${cause.step}` });
  if (cause instanceof ProtocolError)
    return new GatewayError("upstream_refused", { cause, detail: "libvirt: what it says cannot be read" });
  if (cause instanceof DOMException && cause.name === "TimeoutError")
    return new GatewayError("upstream_timeout", { cause, detail: "libvirt" });
  if (!(cause instanceof RemoteError)) return cause;
  switch (cause.code) {
    case REMOTE_ERRORS.noDomain:
      return new GatewayError("machine_gone", { cause });
    case REMOTE_ERRORS.operationInvalid:
      return new GatewayError("machine_not_running", { cause, detail: cause.message });
    default:
      return new GatewayError("upstream_refused", { cause, detail: `libvirt: ${cause.message}` });
  }
}
