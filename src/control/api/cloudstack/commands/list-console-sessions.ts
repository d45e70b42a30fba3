import { canonicalAddress } from "#wire/address.ts";
import type { Session } from "#wire/api.ts";
import { printable } from "#wire/gateway-error.ts";
import type { SessionSearch } from "../../../services.ts";
import type { Fields } from "../answer.ts";
import { invalidValue, unknownEntity } from "../cloudstack-error.ts";
import type { Command, CommandContext } from "../command.ts";
import { DOMAIN, inOurDomain } from "../domain.ts";
import { listFields, windowOf } from "../paging.ts";
import { type Parameters, textOf } from "../parameters.ts";
import { cloudStackTime, readTime } from "../times.ts";

const NAME = "listConsoleSessions";

/**
 * Who opened which console, the newest first: by `id`, `accountid`, `userid`, `virtualmachineid`, `startdate`,
 * `enddate`, `consoleendpointcreatoraddress`, `clientaddress`, `activeonly` (true unless it is said otherwise),
 * `acquired`, and by `page` with `pagesize`. Users find their own.
 */
export const listConsoleSessions: Command = {
  name: NAME,
  access: "everybody",
  changesState: false,
  run,
};

async function run({ services, caller, parameters }: CommandContext): Promise<Fields> {
  const window = windowOf(NAME, parameters);
  const domain = textOf(parameters, "domainid");
  if (domain !== undefined && !inOurDomain(domain)) throw unknownEntity(NAME, "domainid", domain);
  // A console's host is its hypervisor in CloudStack; the manual driver knows of none.
  const host = textOf(parameters, "hostid");
  if (host !== undefined) throw unknownEntity(NAME, "hostid", host);
  const account = textOf(parameters, "accountid");
  const user = textOf(parameters, "userid");
  if (account !== undefined && user !== undefined && account !== user) return {};
  const found = await services.sessions.search(caller, searchOf(parameters, account ?? user), window);
  return listFields("consolesession", found, consoleSession);
}

function searchOf(parameters: Parameters, accountId: string | undefined): SessionSearch {
  const activeOnly = flagOf(parameters, "activeonly") ?? true;
  const acquired = flagOf(parameters, "acquired") ?? false;
  return {
    id: textOf(parameters, "id"),
    accountId,
    machineId: textOf(parameters, "virtualmachineid"),
    creatorAddress: addressOf(parameters, "consoleendpointcreatoraddress"),
    viewerAddress: addressOf(parameters, "clientaddress"),
    createdFrom: timeOf(parameters, "startdate", "T00:00:00.000"),
    createdTo: timeOf(parameters, "enddate", "T23:59:59.999"),
    redeemed: activeOnly ? "open" : acquired ? "used" : undefined,
  };
}

function flagOf(parameters: Parameters, name: string): boolean | undefined {
  const text = textOf(parameters, name)?.toLowerCase();
  return text === undefined ? undefined : text === "true";
}

function addressOf(parameters: Parameters, name: string): string | undefined {
  const text = textOf(parameters, name);
  return text === undefined ? undefined : (canonicalAddress(text) ?? text);
}

/** A day, of which `ofDay` is meant, a moment, or a moment with its offset. */
function timeOf(parameters: Parameters, name: string, ofDay: string): number | undefined {
  const text = textOf(parameters, name);
  if (text === undefined) return undefined;
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  const moment = readTime(withOffset(isDay ? text + ofDay : text.replace(" ", "T")));
  if (moment === undefined)
    throw invalidValue(
      NAME,
      `Unable to parse date ${printable(text)} for command ${NAME}, please pass dates in the format yyyy-MM-dd, yyyy-MM-dd HH:mm:ss or yyyy-MM-dd'T'HH:mm:ssZ`,
    );
  return moment;
}

/** A time without an offset is UTC. */
function withOffset(text: string): string {
  return /(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`;
}

/** Accounts and users are one here. */
function consoleSession(session: Session): Fields {
  return {
    id: session.id,
    created: cloudStackTime(session.createdAt),
    domain: DOMAIN.name,
    domainpath: DOMAIN.path,
    domainid: DOMAIN.id,
    account: session.account,
    accountid: session.accountId,
    user: session.account,
    userid: session.accountId,
    virtualmachineid: session.machineId,
    virtualmachinename: session.machine,
    acquired: session.redeemedAt === undefined ? undefined : cloudStackTime(session.redeemedAt),
    removed: session.endedAt === undefined ? undefined : cloudStackTime(session.endedAt),
    consoleendpointcreatoraddress: session.creatorAddress,
    clientaddress: session.viewerAddress,
  };
}
