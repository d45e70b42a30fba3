import type { DrainOutcome } from "#control/services.ts";
import { createCertificateRequest } from "#tls/certificate-request.ts";
import type { AuditAction } from "#wire/audit.ts";
import { CERTIFICATE_KINDS } from "./audit-certificate-kinds.ts";
import { HYPERVISOR_KINDS } from "./audit-hypervisor-kinds.ts";
import { by, FROM, idOf, type Kind, type World } from "./audit-world.ts";
import { launchesOf, TimedPlatform } from "./capacity.ts";
import type { TestControl, TestNode } from "./control.ts";
import { NO_KEYSTONE } from "./keystone-rights.ts";
import { openLine, whileAnswering } from "./open-line.ts";

export const WEB = { address: "198.51.100.8", api: "web", reference: "ref-2" } as const;
export const VIEWER = "203.0.113.9";

/** How each action comes about, and the row that tells of it. */
export const KINDS: Readonly<Partial<Record<AuditAction, Kind>>> = {
  "sign-in": async ({ control, someone, admin }) => {
    const { url } = await control.services.accounts.signInLink(admin, someone.id);
    return {
      act: () => control.services.accounts.signIn(new URL(url).hash.slice("#code=".length), WEB),
      row: () => ({ ...WEB, accountId: someone.id, account: someone.name }),
    };
  },
  "sign-out": async ({ control, someone, admin }) => {
    const { url } = await control.services.accounts.signInLink(admin, someone.id);
    const { cookie } = await control.services.accounts.signIn(new URL(url).hash.slice("#code=".length));
    return {
      act: () => control.services.accounts.signOut(cookie.expose(), WEB),
      row: () => ({ ...WEB, accountId: someone.id, account: someone.name }),
    };
  },
  "sign-in-link.add": async ({ control, someone, admin }) => ({
    act: () => control.services.accounts.signInLink(admin, someone.id),
    row: () => ({ ...by(admin), object: { kind: "account", ...someone } }),
  }),
  "account.add": async ({ control, admin }) => ({
    act: () => control.services.accounts.add(admin, { name: "new", role: "member", projects: ["default"] }),
    row: (made) => ({
      ...by(admin),
      object: { kind: "account", id: idOf(made), name: "new" },
      detail: "member default",
    }),
  }),
  "account.update": async ({ control, admin, someone }) => ({
    act: () => control.services.accounts.update(admin, someone.id, { disabled: true, projects: ["default"] }),
    row: () => ({
      ...by(admin),
      object: { kind: "account", ...someone },
      detail: "disabled projects default",
    }),
  }),
  "account.remove": async ({ control, admin, someone }) => ({
    act: () => control.services.accounts.remove(admin, someone.id),
    row: () => ({ ...by(admin), object: { kind: "account", ...someone } }),
  }),
  "api-key.add": async ({ control, admin, someone }) => ({
    act: () => control.services.accounts.addApiKey(admin, someone.id),
    row: (made) => ({
      ...by(admin),
      object: { kind: "api-key", id: (made as { apiKey: string }).apiKey, name: someone.name },
      detail: `account ${someone.id}`,
    }),
  }),
  "api-key.remove": async ({ control, admin, someone }) => {
    const { apiKey } = await control.services.accounts.addApiKey(admin, someone.id);
    return {
      act: () => control.services.accounts.removeApiKey(admin, someone.id, apiKey),
      row: () => ({
        ...by(admin),
        object: { kind: "api-key", id: apiKey, name: someone.name },
        detail: `account ${someone.id}`,
      }),
    };
  },
  "project.add": async ({ control, admin }) => ({
    act: () => control.services.projects.add(admin, { name: "shop" }),
    row: (made) => ({ ...by(admin), object: { kind: "project", id: idOf(made), name: "shop" } }),
  }),
  "project.remove": async ({ control, admin }) => {
    const { id } = await control.services.projects.add(admin, { name: "shop" });
    return {
      act: () => control.services.projects.remove(admin, id),
      row: () => ({ ...by(admin), object: { kind: "project", id, name: "shop" } }),
    };
  },
  "machine.add": async ({ control, admin }) => ({
    act: () =>
      control.services.machines.add(admin, { name: "db", protocol: "rfb", address: "192.0.2.1:5900" }),
    row: (made) => ({ ...by(admin), object: { kind: "machine", id: idOf(made), name: "db" } }),
  }),
  "machine.update": async ({ control, admin, machine }) => ({
    act: () => control.services.machines.update(admin, machine.id, { name: "db", password: "hunter22" }),
    row: () => ({
      ...by(admin),
      object: { kind: "machine", id: machine.id, name: "db" },
      detail: "name password",
    }),
  }),
  "machine.remove": async ({ control, admin, machine }) => ({
    act: () => control.services.machines.remove(admin, machine.id),
    row: () => ({ ...by(admin), object: { kind: "machine", ...machine } }),
  }),
  "setting.set": async ({ control, admin }) => ({
    act: () => control.services.settings.set(admin, "upstream.allow", "192.0.2.0/24"),
    row: () => ({
      ...by(admin),
      object: { kind: "setting", id: "upstream.allow", name: "upstream.allow" },
      detail: "192.0.2.0/24",
    }),
  }),
  "join-token.add": async ({ control, admin }) => ({
    act: () => control.services.nodes.addJoinToken(admin, { uses: 3, expiresInSeconds: 60 }),
    row: () => ({
      ...by(admin),
      object: { kind: "join-token" },
      detail: `uses 3, until ${new Date(control.clock.now() + 60_000).toISOString()}`,
    }),
  }),
  "node.join": async ({ control }) => {
    const { request: certificateRequest } = await createCertificateRequest();
    return {
      act: () => control.link.join({ joinToken: control.joinToken, certificateRequest }, VIEWER),
      row: (joined) => {
        const { nodeId } = joined as { nodeId: string };
        return { nodeId, address: VIEWER, api: "link", object: { kind: "node", id: nodeId } };
      },
    };
  },
  "node.register": async ({ control, node }) => ({
    act: () =>
      control.link.registry.register(node.id, {
        incarnation: "another-start-of-it",
        version: "1.2.4",
        pageOrigin: "http://node.example.com",
        webSocketOrigin: "http://node.example.com",
      }),
    row: () => ({
      nodeId: node.id,
      api: "link",
      object: { kind: "node", id: node.id },
      detail: "version 1.2.4",
    }),
  }),
  "node.deregister": async ({ control, node }) => ({
    act: () => control.link.registry.deregister(node.id, { incarnation: node.incarnation }),
    row: () => ({ nodeId: node.id, api: "link", object: { kind: "node", id: node.id } }),
  }),
  "node.renew": async ({ control, node }) => {
    const { request: certificateRequest } = await createCertificateRequest();
    const { incarnation } = node;
    return {
      act: () => control.link.renewal.renew(node.id, { incarnation, certificateRequest }),
      row: () => ({ nodeId: node.id, api: "link", object: { kind: "node", id: node.id } }),
    };
  },
  ...Object.fromEntries(
    Object.entries({
      stay: "node.drain",
      restart: "node.restart",
      stop: "node.stop",
      destroy: "node.destroy",
    }).map(([outcome, action]): [string, Kind] => [
      action,
      async ({ control, admin, node }) => ({
        act: () => control.services.nodes.drain(admin, node.id, { outcome: outcome as DrainOutcome }),
        row: () => ({
          ...by(admin),
          object: { kind: "node", id: node.id },
          detail: "waits for its sessions",
        }),
      }),
    ]),
  ),
  "node.start": async ({ control, admin, node }) => {
    await control.services.nodes.drain(admin, node.id, { outcome: "stop" });
    return {
      act: () => control.services.nodes.start(admin, node.id),
      row: () => ({ ...by(admin), object: { kind: "node", id: node.id } }),
    };
  },
  "node.launch": async ({ control }) => {
    const launcher = new TimedPlatform(control, { bootMs: 0 });
    return {
      act: () => launchesOf(control).order("default", 1, { seen: new Set(), launcher }),
      row: (ids) => ({ detail: `order ${(ids as string[])[0]}, pool default, by timed` }),
    };
  },
  "node.launch-failed": async ({ control }) => {
    const launcher = new TimedPlatform(control, { bootMs: 0 });
    const [id = ""] = await launchesOf(control).order("default", 1, { seen: new Set(), launcher });
    return {
      act: () => launchesOf(control).remove(id, { from: "ordered", failure: "no image" }),
      row: () => ({ detail: `order ${id}: no image` }),
    };
  },
  "node.revoke": async ({ control, admin, node }) => ({
    act: () => control.services.nodes.revoke(admin, node.id),
    row: () => ({ ...by(admin), object: { kind: "node", id: node.id } }),
  }),
  "node.remove": async ({ control, admin, node }) => {
    await control.link.registry.deregister(node.id, { incarnation: node.incarnation });
    return {
      act: () => control.services.nodes.remove(admin, node.id),
      row: () => ({ ...by(admin), object: { kind: "node", id: node.id } }),
    };
  },
  ...HYPERVISOR_KINDS,
  "public-ip-range.add": async ({ control, admin }) => ({
    act: () => control.services.publicIpRanges.add(admin, { range: "203.0.113.0/29", pool: "north" }),
    row: (made) => ({
      ...by(admin),
      object: { kind: "public-ip-range", id: idOf(made) },
      detail: "203.0.113.1-203.0.113.6 pool north",
    }),
  }),
  "public-ip-range.remove": async ({ control, admin }) => {
    const { id } = await control.services.publicIpRanges.add(admin, { range: "2001:db8::1" });
    return {
      act: () => control.services.publicIpRanges.remove(admin, id),
      row: () => ({
        ...by(admin),
        object: { kind: "public-ip-range", id },
        detail: "2001:db8::1-2001:db8::1 pool default",
      }),
    };
  },
  ...CERTIFICATE_KINDS,
  "keystone.configure": async ({ control, admin }) => ({
    act: () =>
      control.services.keystone.configure(admin, {
        ...NO_KEYSTONE,
        roles: [{ role: "Reader", right: null }],
        projects: [{ keystone: "Default/shop", project: "default" }],
      }),
    row: () => ({
      ...by(admin),
      detail: `url=${NO_KEYSTONE.url} applicationCredentialId=porthole role Reader=nothing project Default/shop=default`,
    }),
  }),
  "keystone.disable": async ({ control, admin }) => {
    await control.services.keystone.configure(admin, NO_KEYSTONE);
    return {
      act: () => control.services.keystone.disable(admin),
      row: () => ({ ...by(admin), detail: NO_KEYSTONE.url }),
    };
  },
  "ticket-key.rotate": async ({ control, admin }) => ({
    act: () => control.services.ticketKeys.rotate(admin),
    row: () => ({ ...by(admin), detail: "2" }),
  }),
  "console.issue": async ({ control, admin, machine, node }) => ({
    act: () => control.services.consoles.open(admin, { machineId: machine.id, api: "native" }),
    row: (issued) => ({
      ...by(admin),
      nodeId: node.id,
      object: { kind: "machine", ...machine },
      sessionId: (issued as { sessionId: string }).sessionId,
    }),
  }),
  "thumbnail.issue": async ({ control, admin, machine, node }) => ({
    act: () =>
      control.services.consoles.open(admin, { machineId: machine.id, api: "native", purpose: "thumbnail" }),
    row: (issued) => ({
      ...by(admin),
      nodeId: node.id,
      object: { kind: "machine", ...machine },
      sessionId: (issued as { sessionId: string }).sessionId,
    }),
  }),
  "machine.output": async ({ control, admin, node }) => {
    const { machine } = await openLine(control, node, admin);
    const reading = async () => await control.services.consoleOutputs.read(admin, machine.id);
    const says = () => ({ output: "login: " });
    return {
      act: async () => await whileAnswering({ control, node }, says, reading()),
      row: () => ({ ...by(admin), object: { kind: "machine", id: machine.id, name: machine.name } }),
    };
  },
  "console.redeem": async (world) => {
    const { control, node } = world;
    const sessionId = await issue(world);
    return {
      act: () => control.link.redeem(node.id, redemption(node, sessionId)),
      row: () => ({ ...ofViewer(world, sessionId) }),
    };
  },
  "console.reopen": async (world) => {
    const { control, node, admin, machine } = world;
    const sessionId = await issue(world);
    const { reopen: credential } = await control.link.redeem(node.id, redemption(node, sessionId));
    return {
      act: () => control.link.reopen({ credential, viewerAddress: VIEWER }),
      row: () => ({
        accountId: admin.accountId,
        account: admin.name,
        nodeId: node.id,
        address: VIEWER,
        api: "native",
        object: { kind: "machine", ...machine },
      }),
    };
  },
  "console.close": async (world) => {
    const { control, node, admin, machine } = world;
    const sessionId = await issue(world);
    await control.link.redeem(node.id, redemption(node, sessionId));
    await report(world, sessionId);
    return {
      act: () => control.services.sessions.end(admin, sessionId),
      row: () => ({ ...by(admin), object: { kind: "machine", ...machine }, sessionId }),
    };
  },
  "console.end": async (world) => {
    const { control, node } = world;
    const sessionId = await issue(world);
    await control.link.redeem(node.id, redemption(node, sessionId));
    return {
      act: () => report(world, sessionId, { kind: "closed", code: "viewer_closed" }),
      row: () => ({ ...ofViewer(world, sessionId), detail: "viewer_closed" }),
    };
  },
  "audit.export": async ({ control, admin }) => ({
    act: () => control.services.audit.export(admin, { action: "node.join" }),
    row: () => ({ ...by(admin), detail: "action=node.join" }),
  }),
};

export async function createWorld(control: TestControl): Promise<World> {
  const { services } = control;
  const node = await control.node();
  const { id, name } = await control.machine();
  const account = await services.accounts.add(control.admin, { name: "someone", role: "member" });
  return {
    control,
    node,
    admin: { ...control.admin, ...FROM },
    machine: { id, name },
    someone: { id: account.id, name: account.name },
  };
}

function ofViewer({ admin, node, machine }: World, sessionId: string) {
  const { accountId, name: account } = admin;
  const object = { kind: "machine" as const, ...machine };
  return { accountId, account, nodeId: node.id, address: VIEWER, api: "native" as const, object, sessionId };
}

export async function issue({ control, admin, machine }: World): Promise<string> {
  control.clock.advance(1);
  return (await control.services.consoles.open(admin, { machineId: machine.id, api: "native" })).sessionId;
}

export function redemption({ incarnation }: TestNode, sessionId: string) {
  return { incarnation, sessionId, attachment: 1, viewerAddress: VIEWER };
}

export async function report(
  { control, node }: World,
  sessionId: string,
  ending?: Parameters<TestControl["link"]["takeReports"]>[1][number]["ending"],
): Promise<void> {
  const { id: nodeId, incarnation } = node;
  const counters = { bytesToViewer: 1, bytesFromViewer: 1 };
  const at = control.clock.now();
  await control.link.takeReports({ nodeId, incarnation }, [
    {
      sessionId,
      attachment: 1,
      at,
      ...(ending === undefined ? { state: "active" } : { state: "ended", ending }),
      ...counters,
    },
  ]);
}
