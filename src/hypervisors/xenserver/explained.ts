import { GatewayError } from "#wire/gateway-error.ts";
import { explained as explainedOf } from "../explained.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { XapiError } from "./json-rpc.ts";

/** XAPI has no machine of that UUID or reference, or has it no more. */
const GONE: ReadonlySet<string> = new Set(["UUID_INVALID", "HANDLE_INVALID"]);
const UNFIT: ReadonlySet<string> = new Set(["VM_BAD_POWER_STATE", "VM_IS_TEMPLATE"]);

/** Does it, and throws a GatewayError in place of what XAPI or the way to it has thrown; of an error of XAPI's its code alone is told. */
export async function explained<Result>(work: () => Promise<Result>): Promise<Result> {
  return await explainedOf("XAPI", work, (thrown) =>
    thrown instanceof XapiError ? (asGateway(thrown) ?? asStep(thrown)) : thrown,
  );
}

function asGateway(error: XapiError): GatewayError | undefined {
  if (GONE.has(error.code)) return new GatewayError("machine_gone", { cause: error });
  return UNFIT.has(error.code) ? new GatewayError("machine_not_running", { cause: error }) : undefined;
}

/** What XAPI refuses, as a step that failed. */
export function asStep(error: XapiError): HypervisorError {
  switch (error.code) {
    case "SESSION_AUTHENTICATION_FAILED":
      return new HypervisorError("credentials", "it does not take the account and its password");
    case "SESSION_INVALID":
      return new HypervisorError("credentials", "it ends the session as soon as it is opened");
    case "RBAC_PERMISSION_DENIED":
      return new HypervisorError("rights", `the account's role lacks ${permission(error)}`);
    case "HOST_IS_SLAVE":
      return new HypervisorError("answer", "none of its hosts says that it is the pool's master");
    case "MESSAGE_METHOD_UNKNOWN":
      return new HypervisorError("answer", "it is too old: it does not know what it is asked for");
    default:
      return new HypervisorError("rights", `XAPI answers ${error.code}`);
  }
}

/** Such as vm.start. */
function permission({ data: [name] }: XapiError): string {
  return typeof name === "string" && /^[\w./:]{1,100}$/.test(name) ? `the right to ${name}` : "a right";
}
