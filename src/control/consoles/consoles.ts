import { canonicalAddress } from "#wire/address.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { ConsoleProtocol } from "#wire/grant.ts";
import { type Drivers, driverOf, toDriverMachine } from "../machines/driver-machine.ts";
import { MACHINE_COLUMNS } from "../machines/machine-row.ts";
import { maySeeProject, requireLook } from "../rights.ts";
import type { Caller, ConsoleOptions, Consoles } from "../services.ts";
import type { SettingValues } from "../settings/settings.ts";
import { prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import type { Vault } from "../vault/vault.ts";
import { requireConsole } from "./running.ts";
import type { IssueTicket } from "./ticket-issue.ts";

interface Parts {
  readonly store: Store;
  readonly vault: Vault;
  readonly drivers: Drivers;
  readonly values: SettingValues;
  readonly issueTicket: IssueTicket;
}

/** Opens consoles: may the caller, does the machine run, and then a ticket. */
export function createConsoles({ store, vault, drivers, values, issueTicket }: Parts): Consoles {
  const findMachine = prepare(store, { id: TEXT }, (db, { id }) =>
    db.selectFrom("machines").select(MACHINE_COLUMNS).where("id", "=", id),
  );

  return {
    async open(caller, asked) {
      const viewOnly = asked.viewOnly === true || caller.consoles === "watched";
      const options = { ...asked, viewOnly };
      const [machine] = await findMachine(store.db, { id: options.machineId });
      if (machine === undefined) throw new GatewayError("not_found", { detail: "machine" });
      if (!maySeeProject(caller, machine.project_id)) throw foreign(options);
      requireLook(caller);
      const extra = checkedExtra(options, values);
      const boundAddress = addressToBind(caller, options, values);
      const protocol = protocolOf(options, machine);
      const { purpose = "console" } = options;
      const { isExclusive } = await requireConsole(
        driverOf(drivers, machine.driver),
        toDriverMachine(machine, vault, protocol),
      );
      return await issueTicket({
        account: { id: caller.accountId, name: caller.name },
        by: caller,
        apiKey: caller.apiKey,
        machine,
        protocol,
        isExclusive,
        api: options.api,
        purpose,
        viewOnly,
        extra,
        boundAddress,
        creatorAddress: canonicalAddress(caller.address) ?? caller.address,
      });
    },
  };
}

/** What passes unread is not for those who may only look: nobody could tell what of it they may say. */
function protocolOf(
  { protocol, viewOnly = false, purpose = "console" }: ConsoleOptions,
  machine: { readonly protocol: ConsoleProtocol },
): ConsoleProtocol {
  if (protocol === "webmks" && (viewOnly || purpose !== "console"))
    throw new GatewayError("request_invalid", {
      detail: "protocol: WebMKS is passed through unread, so it cannot be opened to look at alone (viewOnly)",
    });
  const chosen = protocol ?? machine.protocol;
  if (chosen === "serial" && purpose === "thumbnail") throw new GatewayError("console_unavailable");
  return chosen;
}

/**
 * CloudStack's clients are told of a machine that is another's, and rely on it. Its id has 122 random bits, so nobody
 * finds one by trying; through the other doors it is as if there were none all the same.
 */
function foreign({ api }: ConsoleOptions): GatewayError {
  return api === "cloudstack"
    ? new GatewayError("forbidden")
    : new GatewayError("not_found", { detail: "machine" });
}

const limits = {
  /** As CloudStack's parameter has it. */
  extraCharacters: 255,
} as const;

/**
 * The web pages send no extra token even where it is demanded: it is to reach the viewer on another way than the
 * link, and the pages' link never leaves the browser that asked for it, as the door is open to the same origin only.
 */
function checkedExtra({ extra, api }: ConsoleOptions, values: SettingValues): string | undefined {
  if (extra === undefined) {
    if (api !== "web" && values.value("consoleproxy.extra.security.validation.enabled"))
      throw new GatewayError("extra_token_required");
    return undefined;
  }
  if (extra === "" || extra.length > limits.extraCharacters)
    throw new GatewayError("request_invalid", { detail: "extra: must have 1 to 255 characters" });
  // Half a surrogate pair cannot be written in UTF-8, in which the viewer brings it back.
  if (!extra.isWellFormed() || /\p{Cc}/u.test(extra))
    throw new GatewayError("request_invalid", {
      detail: "extra: must be well-formed Unicode without control characters",
    });
  return extra;
}

/**
 * What was asked for, or, where the operator wants it, the caller's own address. Not for the native API and Nova's: who calls
 * those is a portal, and its viewers come from elsewhere.
 */
function addressToBind(
  { address }: Caller,
  { callerAddress, api }: ConsoleOptions,
  values: SettingValues,
): string | undefined {
  const isPortal = api === "native" || api === "nova";
  const asked = !isPortal && values.value("novnc.console.sourceip.check.enabled") ? address : undefined;
  const text = callerAddress ?? asked;
  if (text === undefined) return undefined;
  const canonical = canonicalAddress(text);
  if (canonical === undefined)
    throw new GatewayError("request_invalid", { detail: "callerAddress: must be an IP address" });
  return canonical;
}
