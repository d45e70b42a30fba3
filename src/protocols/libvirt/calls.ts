import {
  type DomainState,
  type RemoteDomain,
  readDomain,
  readDomainState,
  writeDomain,
  writeUuid,
} from "./domain.ts";
import { type XdrReader, XdrWriter } from "./xdr.ts";

const limits = {
  /** libvirt: REMOTE_DOMAIN_LIST_MAX. */
  domains: 16_384,
  /** libvirt: REMOTE_AUTH_TYPE_LIST_MAX. */
  authenticationTypes: 20,
} as const;

/** The program of libvirt's remote_protocol.x. */
export const REMOTE_PROGRAM = 0x20008086;
export const REMOTE_VERSION = 1;

/** What is asked, and how its answer is read. */
export interface Call<Result> {
  readonly procedure: number;
  readonly args: Uint8Array;
  readonly read: (reader: XdrReader) => Result;
  /** libvirt answers it from its memory, and waits for no machine. */
  readonly isQuick?: boolean;
}

/** libvirt: remote_auth_type; "other" is what a newer libvirt has. */
export type AuthenticationType = "none" | "sasl" | "polkit" | "other";
const AUTHENTICATION_TYPES: readonly AuthenticationType[] = ["none", "sasl", "polkit"];

/** libvirt: virConnectListAllDomainsFlags. */
export const LIST_FLAGS = { all: 0, paused: 32 } as const;

/** Numbers of remote_procedure. */
const PROCEDURES = {
  open: 1,
  getCapabilities: 7,
  create: 9,
  destroy: 12,
  getXml: 14,
  lookupByUuid: 24,
  reboot: 27,
  shutdown: 33,
  supportsFeature: 60,
  authenticationTypes: 66,
  polkit: 70,
  updateDevice: 174,
  openConsole: 201,
  screenshot: 211,
  getState: 212,
  reset: 245,
  getMetadata: 265,
  listAll: 273,
  registerAny: 316,
} as const;

/** The first call of all: how it wants to be told who calls. */
export function authenticationTypes(): Call<readonly AuthenticationType[]> {
  return call(PROCEDURES.authenticationTypes, new XdrWriter(), (reader) =>
    reader.array(limits.authenticationTypes, (each) => AUTHENTICATION_TYPES[each.int()] ?? "other"),
  );
}

/** On a UNIX socket: have polkit judge the process at this end. */
export function polkit(): Call<void> {
  return call(PROCEDURES.polkit, new XdrWriter(), (reader) => void reader.int());
}

/** `uri` is libvirt's own, without transport or host, such as qemu:///system. */
export function open(uri: string, { isReadOnly }: { readonly isReadOnly: boolean }): Call<void> {
  const args = new XdrWriter().optional(uri, (writer, value) => void writer.string(value));
  return call(PROCEDURES.open, args.uint(isReadOnly ? 1 : 0), nothing);
}

/** XML: what its host is, and what it can do. */
export function getCapabilities(): Call<string> {
  return call(PROCEDURES.getCapabilities, new XdrWriter(), (reader) => reader.string());
}

/** `flags` leave out what does not have them; 0 leaves out nothing. */
export function listAllDomains(flags: number): Call<readonly RemoteDomain[]> {
  return call(PROCEDURES.listAll, new XdrWriter().int(1).uint(flags), (reader) => {
    const domains = reader.array(limits.domains, readDomain);
    reader.uint();
    return domains;
  });
}

export function lookupByUuid(uuid: string): Call<RemoteDomain> {
  const args = new XdrWriter();
  writeUuid(args, uuid);
  return call(PROCEDURES.lookupByUuid, args, readDomain);
}

export function getState(domain: RemoteDomain): Call<DomainState> {
  return call(PROCEDURES.getState, about(domain).uint(0), (reader) => {
    const state = readDomainState(reader);
    reader.int();
    return state;
  });
}

/**
 * With `isSecure` passwords stand in it, which takes a connection that is not read-only; with `isInactive` it is what the domain starts
 * with next time.
 */
export function getXml(
  domain: RemoteDomain,
  { isSecure, isInactive = false }: { readonly isSecure: boolean; readonly isInactive?: boolean },
): Call<string> {
  const flags = (isSecure ? 1 : 0) + (isInactive ? 2 : 0);
  return call(PROCEDURES.getXml, about(domain).uint(flags), (reader) => reader.string());
}

/** libvirt: virDomainDeviceModifyFlags. */
export const UPDATE_FLAGS = { live: 1, config: 2 } as const;

/** Changes a device of the running domain, or of its definition, to what the element says. */
export function updateDevice(domain: RemoteDomain, xml: string, flags: number): Call<void> {
  return call(PROCEDURES.updateDevice, about(domain).string(xml).uint(flags), nothing);
}

/** The element of the namespace that somebody has put into the domain's metadata. */
export function getMetadata(domain: RemoteDomain, namespace: string): Call<string> {
  const VIR_DOMAIN_METADATA_ELEMENT = 2;
  const args = about(domain).int(VIR_DOMAIN_METADATA_ELEMENT);
  args.optional(namespace, (writer, value) => void writer.string(value)).uint(0);
  return { ...call(PROCEDURES.getMetadata, args, (reader) => reader.string()), isQuick: true };
}

/** libvirt answers with the picture's media type, and sends the picture as a stream. */
export function screenshot(domain: RemoteDomain): Call<string | undefined> {
  return call(PROCEDURES.screenshot, about(domain).uint(0).uint(0), (reader) =>
    reader.optional((each) => each.string()),
  );
}

/**
 * Asks whether libvirt knows the program of keepalives; that somebody asks is what has it say so itself from then on, and hang up on who
 * does not answer.
 */
export function supportsKeepalive(): Call<boolean> {
  const VIR_DRV_FEATURE_PROGRAM_KEEPALIVE = 10;
  const args = new XdrWriter().int(VIR_DRV_FEATURE_PROGRAM_KEEPALIVE);
  return call(PROCEDURES.supportsFeature, args, (reader) => reader.int() === 1);
}

/**
 * Opens a character device of the running domain as a stream both ways, by its alias, such as serial0. Only where nobody else has it open:
 * libvirt refuses where it could not tell (VIR_DOMAIN_CONSOLE_SAFE), and ends nobody's (VIR_DOMAIN_CONSOLE_FORCE is not said).
 */
export function openConsole(domain: RemoteDomain, device: string): Call<void> {
  const VIR_DOMAIN_CONSOLE_SAFE = 2;
  const args = about(domain).optional(device, (writer, value) => void writer.string(value));
  return call(PROCEDURES.openConsole, args.uint(VIR_DOMAIN_CONSOLE_SAFE), nothing);
}

/** Of all domains; each comes as a message of `LIFECYCLE_PROCEDURE`. */
export function registerLifecycle(): Call<void> {
  const VIR_DOMAIN_EVENT_ID_LIFECYCLE = 0;
  const args = new XdrWriter().int(VIR_DOMAIN_EVENT_ID_LIFECYCLE).optional(undefined, () => {});
  return call(PROCEDURES.registerAny, args, (reader) => void reader.int());
}

/** Starts it. */
export function create(domain: RemoteDomain): Call<void> {
  return call(PROCEDURES.create, about(domain), nothing);
}

/** Asks the guest to switch itself off. */
export function shutdown(domain: RemoteDomain): Call<void> {
  return call(PROCEDURES.shutdown, about(domain), nothing);
}

/** Cuts it off. */
export function destroy(domain: RemoteDomain): Call<void> {
  return call(PROCEDURES.destroy, about(domain), nothing);
}

export function reboot(domain: RemoteDomain): Call<void> {
  return call(PROCEDURES.reboot, about(domain).uint(0), nothing);
}

export function reset(domain: RemoteDomain): Call<void> {
  return call(PROCEDURES.reset, about(domain).uint(0), nothing);
}

function about(domain: RemoteDomain): XdrWriter {
  const args = new XdrWriter();
  writeDomain(args, domain);
  return args;
}

function call<Result>(procedure: number, args: XdrWriter, read: (reader: XdrReader) => Result): Call<Result> {
  return {
    procedure,
    args: args.finish(),
    read: (reader) => {
      const result = read(reader);
      reader.end();
      return result;
    },
  };
}

function nothing(): void {}
