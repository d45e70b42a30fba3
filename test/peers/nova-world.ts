import assert from "node:assert/strict";
import type { Account, Machine, NewApiKey, Page, Project } from "#wire/api.ts";
import type { Hypervisor } from "#wire/hypervisors.ts";
import { eventually } from "../harness/eventually.ts";
import { novaToken } from "../harness/nova.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";

/** What the ready line has beside the rest, with `--nova`. */
interface OpenStack {
  readonly nova: string;
  readonly identity: string;
  readonly novaToken: string;
}

interface Member {
  readonly name: string;
  readonly project: string;
  readonly apiKey: string;
  readonly secretKey: string;
}

/** What `npm start -- --nova` runs, with a customer who has a project of his own. */
export interface NovaWorld extends Porthole, OpenStack {
  readonly member: Member;
  readonly projectId: string;
}

export async function startNovaWorld(): Promise<NovaWorld> {
  const porthole = (await startPorthole({ args: ["--nova", "127.0.0.1:0"] })) as Porthole & OpenStack;
  const { api } = porthole;
  const { id: projectId, name: project }: Project = await api.call("POST", "projects", { name: "theirs" });
  const account = { name: "customer", role: "member", projects: [projectId] };
  const { id, name }: Account = await api.call("POST", "accounts", account);
  const { apiKey, secretKey }: NewApiKey = await api.call("POST", `accounts/${id}/api-keys`, {});
  return { ...porthole, projectId, member: { name, project, apiKey, secretKey } };
}

/** How the clients of Debian are told who asks, as a member: each way that there is. */
export function waysOf({ nova, identity, member }: NovaWorld) {
  const cloud = [
    ...["--os-auth-url", identity, "--os-project-name", member.project],
    ...["--os-user-domain-id", "default", "--os-project-domain-id", "default"],
  ];
  const password = ["--os-username", member.name, "--os-password", member.secretKey];
  return {
    token: ["--os-auth-type", "admin_token", "--os-endpoint", nova, "--os-token", novaToken(member)],
    none: ["--os-auth-type", "none", "--os-endpoint", nova],
    password: [...cloud, ...password],
    v3password: ["--os-auth-type", "v3password", ...cloud, ...password],
    v3token: [
      ...["--os-auth-type", "v3token", "--os-auth-url", identity, "--os-token", novaToken(member)],
      ...["--os-project-name", member.project, "--os-project-domain-id", "default"],
    ],
    credential: [
      ...["--os-auth-type", "v3applicationcredential", "--os-auth-url", identity],
      ...["--os-application-credential-id", member.apiKey],
      ...["--os-application-credential-secret", member.secretKey],
    ],
    override: [
      ...["--os-token", novaToken(member), "--os-endpoint-override", nova],
      ...["--os-project-name", member.project, "--os-auth-url", identity],
    ],
  } as const;
}

/** Registers a vCenter, whose machines come into the customer's project, and resolves to one of them once it is there. */
export async function addVcenter(
  { api, member }: NovaWorld,
  {
    address,
    ...credentials
  }: {
    readonly address: string;
    readonly username: string;
    readonly secret: string;
    readonly caCertificate: string;
  },
): Promise<Machine> {
  const rules = [{ name: "*", project: member.project }];
  const { id }: Hypervisor = await api.call("POST", "hypervisors", {
    ...{ name: "vcenter", platform: "vsphere", address, rules, credentials },
  });
  return await eventually(async () => {
    const { items }: Page<Machine> = await api.call("GET", "machines?limit=500");
    const found = items.find(({ hypervisor, state }) => hypervisor?.id === id && state === "running");
    assert.ok(found !== undefined, JSON.stringify(items));
    return found;
  });
}
