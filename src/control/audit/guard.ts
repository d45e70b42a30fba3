import type { AuditAction } from "#wire/audit.ts";
import { type GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import { DRAIN_ACTIONS } from "../fleet/draining.ts";
import type { NodeJobCommand, Services } from "../services.ts";
import type { Actor, Audit, AuditEntry, AuditObject } from "./audit.ts";

/** How a refused call of one method is written down, from its arguments. */
type Rule<Args extends readonly unknown[]> = (...args: Args) => AuditEntry;

// biome-ignore lint/suspicious/noExplicitAny: methods of every kind; their arguments are those of the rule beside it.
type Method = (...args: any[]) => Promise<unknown>;

/** Every method of every service has a rule, or `null` where it changes nothing and tells nothing of the installation. */
type Rules = {
  readonly [Name in keyof Services]: {
    readonly [Call in keyof Services[Name]]: Services[Name][Call] extends Method
      ? Rule<Parameters<Services[Name][Call]>> | null
      : never;
  };
};

const JOB_ACTIONS = {
  reboot: "node.restart",
  stop: "node.stop",
  start: "node.start",
  destroy: "node.destroy",
} as const satisfies Readonly<Record<NodeJobCommand, AuditAction>>;

const RULES: Rules = {
  accounts: {
    byApiKey: null,
    byCookie: null,
    noteRefusedKey: null,
    // It writes down by itself what it refuses, since it alone knows whose name it was.
    signInBySecret: null,
    bySecret: null,
    issueToken: null,
    byToken: null,
    revokeToken: null,
    signIn: (_code, from) => ({ action: "sign-in", by: from ?? {} }),
    signOut: null,
    signInLink: (by, id) => entry("sign-in-link.add", by, { kind: "account", id: id ?? by.accountId }),
    add: (by, { name }) => entry("account.add", by, { kind: "account", name }),
    get: null,
    list: null,
    update: (by, id) => entry("account.update", by, { kind: "account", id }),
    remove: (by, id) => entry("account.remove", by, { kind: "account", id }),
    addApiKey: (by, id) => entry("api-key.add", by, { kind: "account", id }),
    listApiKeys: null,
    removeApiKey: (by, _id, apiKey) => entry("api-key.remove", by, { kind: "api-key", id: apiKey }),
  },
  keystone: {
    show: null,
    configure: (by) => entry("keystone.configure", by),
    test: null,
    disable: (by) => entry("keystone.disable", by),
    // It writes down by itself whom it refuses, since it alone knows who that is.
    callerOf: null,
    publicUrl: null,
  },
  projects: {
    add: (by, { name }) => entry("project.add", by, { kind: "project", name }),
    list: null,
    remove: (by, id) => entry("project.remove", by, { kind: "project", id }),
  },
  machines: {
    add: (by, { name }) => entry("machine.add", by, { kind: "machine", name }),
    list: null,
    search: null,
    get: null,
    // A wrong guess, which is no error, it writes down by itself.
    hasPassword: (by, id) => entry("machine.password", by, { kind: "machine", id }),
    update: (by, id) => entry("machine.update", by, { kind: "machine", id }),
    power: (by, id, action) => entry(`machine.${action}`, by, { kind: "machine", id }),
    screenshot: (by, id) => entry("machine.screenshot", by, { kind: "machine", id }),
    waiting: null,
    assign: (by, id) => entry("machine.assign", by, { kind: "machine", id }),
    remove: (by, id) => entry("machine.remove", by, { kind: "machine", id }),
  },
  hypervisors: {
    list: null,
    test: null,
    add: (by, { name }) => entry("hypervisor.add", by, { kind: "hypervisor", name }),
    update: (by, id) => entry("hypervisor.update", by, { kind: "hypervisor", id }),
    remove: (by, id) => entry("hypervisor.remove", by, { kind: "hypervisor", id }),
  },
  consoles: {
    open: (by, { machineId, api, purpose }) =>
      entry(
        purpose === "thumbnail" ? "thumbnail.issue" : "console.issue",
        { ...by, api },
        { kind: "machine", id: machineId },
      ),
  },
  consoleOutputs: {
    read: (by, machineId) => entry("machine.output", by, { kind: "machine", id: machineId }),
  },
  tickets: { whereTo: null },
  sessions: {
    list: null,
    search: null,
    get: null,
    end: (by, id) => ({ action: "console.close", by, sessionId: id }),
  },
  settings: {
    list: null,
    set: (by, name) => entry("setting.set", by, { kind: "setting", id: name }),
  },
  nodes: {
    list: null,
    authority: null,
    addJoinToken: (by) => entry("join-token.add", by, { kind: "join-token" }),
    revoke: (by, id) => entry("node.revoke", by, { kind: "node", id }),
    remove: (by, id) => entry("node.remove", by, { kind: "node", id }),
    get: null,
    drain: (by, id, { outcome }) => entry(DRAIN_ACTIONS[outcome], by, { kind: "node", id }),
    start: (by, id) => entry("node.start", by, { kind: "node", id }),
  },
  nodeJobs: {
    start: (by, { command, nodeId }) => entry(JOB_ACTIONS[command], by, { kind: "node", id: nodeId }),
    get: null,
  },
  publicIpRanges: {
    list: null,
    add: (by) => entry("public-ip-range.add", by, { kind: "public-ip-range" }),
    remove: (by, id) => entry("public-ip-range.remove", by, { kind: "public-ip-range", id }),
  },
  certificates: {
    list: null,
    uploadedAt: null,
    upload: (by) => entry("certificate.upload", by, { kind: "certificate" }),
    addPart: (by, { name }) => entry("certificate.upload", by, { kind: "certificate", name }),
    remove: (by, id) => entry("certificate.remove", by, { kind: "certificate", id }),
  },
  acme: {
    show: null,
    configure: (by) => entry("acme.configure", by),
    renew: (by) => entry("acme.renew", by),
    disable: (by) => entry("acme.disable", by),
  },
  ticketKeys: {
    list: null,
    rotate: (by) => entry("ticket-key.rotate", by),
  },
  names: {
    zone: null,
  },
  selfChecks: {
    control: null,
    nodes: null,
  },
  audit: {
    list: (by) => entry("audit.list", by),
    export: (by) => entry("audit.export", by),
  },
};

/**
 * The services, with whatever they refuse written into the audit log. What they do they write down themselves, each in
 * the transaction that does it.
 */
export function guardServices(services: Services, audit: Audit): Services {
  return Object.fromEntries(
    Object.entries(services).map(([name, service]) => [
      name,
      guard(service, RULES[name as keyof Services] as Record<string, Rule<readonly unknown[]> | null>, audit),
    ]),
  ) as unknown as Services;
}

function guard(
  service: Readonly<Record<string, Method>>,
  rules: Readonly<Record<string, Rule<readonly unknown[]> | null>>,
  audit: Audit,
): Readonly<Record<string, Method>> {
  return Object.fromEntries(
    Object.entries(service).map(([name, method]) => {
      const rule = rules[name];
      return [name, rule == null ? method : withRefusals(method, rule, audit)];
    }),
  );
}

function withRefusals(method: Method, rule: Rule<readonly unknown[]>, audit: Audit): Method {
  return async (...args) => {
    try {
      return await method(...args);
    } catch (thrown) {
      const error = toGatewayError(thrown);
      await audit.recordRefusal(withDetail(rule(...args), error), error);
      throw thrown;
    }
  };
}

function withDetail(said: AuditEntry, { detail }: GatewayError): AuditEntry {
  return detail === undefined ? said : { ...said, detail };
}

function entry(action: AuditAction, by: Actor, object?: AuditObject): AuditEntry {
  return { action, by, object };
}
