import type { Keystone, KeystoneChange } from "#wire/keystone.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { type KeystoneLogin, type KeystonePeer, startKeystone } from "./keystone.ts";

/** As whom Porthole asks. */
export const SERVICE: KeystoneLogin = {
  ...{ user: "porthole", password: "the-services-password", project: "service" },
};
export const ALICE: KeystoneLogin = { user: "alice", password: "alices-password", project: "shop" };

/** Debian's Keystone, with the two of them in it and no word of each other, beside what `npm start` runs. */
export interface KeystoneStage extends AsyncDisposable {
  readonly keystone: KeystonePeer;
  readonly porthole: Porthole & { readonly nova: string };
  /** A machine in the project `shop` of ours, and one in another. */
  readonly machine: string;
  readonly foreign: string;
  configure(change: KeystoneChange): Promise<Keystone>;
  /** Asks the Nova API for its servers with a token as it is, without a client's retries. */
  servers(token: string): Promise<Response>;
}

export async function startKeystoneStage(): Promise<KeystoneStage> {
  await using opened = new AsyncDisposableStack();
  const keystone = opened.use(await startKeystone());
  const porthole = opened.use(
    (await startPorthole({ args: ["--nova", "127.0.0.1:0"] })) as KeystoneStage["porthole"],
  );
  for (const project of ["service", "shop"]) await keystone.addProject(project);
  for (const name of ["service", "accounting"]) await keystone.call("POST", "/roles", { role: { name } });
  await keystone.addUser(SERVICE, "service");
  await keystone.addUser(ALICE, "member");
  const { api } = porthole;
  await api.call("POST", "projects", { name: "shop" });
  // At the console of the demo machine, so that there is something to open.
  const [demo] = await api.machines();
  if (demo?.address === undefined) throw new Error("there is a demo machine");
  const machine = { protocol: "rfb", address: demo.address } as const;
  const { id } = await api.addMachine({ ...machine, name: "db-1", project: "shop" });
  const foreign = await api.addMachine({ ...machine, name: "foreign" });
  const owned = opened.move();
  return {
    ...{ keystone, porthole, machine: id, foreign: foreign.id },
    configure: async (change) => await api.call("PATCH", "keystone", change),
    servers: async (token) => await fetch(`${porthole.nova}/servers`, { headers: { "x-auth-token": token } }),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
