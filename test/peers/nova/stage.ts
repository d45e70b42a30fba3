import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readNovaBehind } from "#control/openstack/config.ts";
import { scratch } from "../../harness/scratch.ts";
import { type FleetNode, startFleet, type TestFleet } from "../../harness/test-fleet.ts";
import { TestViewer, webSocketUrl } from "../../harness/test-viewer.ts";
import { NOVA_ADMIN, type Nova, startNova } from "./nova.ts";

export interface NovaStage extends AsyncDisposable {
  readonly nova: Nova;
  readonly fleet: TestFleet;
  readonly node: FleetNode;
  /** Where a viewer with a token of Nova's connects. */
  urlOf(token: string, path: string, node?: FleetNode): string;
  /** With the sub-protocol of stock viewers. */
  open(token: string, path: string, node?: FleetNode): Promise<TestViewer>;
  /** What came of the sessions there were, the newest last. */
  endings(): Promise<readonly (readonly [protocol: string, code: string | undefined])[]>;
}

/** Debian's Nova, a control in front of it, and a node. */
export async function startNovaStage(): Promise<NovaStage> {
  await using opened = new AsyncDisposableStack();
  const nova = opened.use(await startNova());
  const folder = opened.use(scratch());
  const novaCloud = join(folder.path, "clouds.yaml");
  const auth = { endpoint: nova.url, token: NOVA_ADMIN };
  writeFileSync(novaCloud, JSON.stringify({ clouds: { one: { auth_type: "admin_token", auth } } }));
  const none = { novaVncCa: null, novaVncCertificate: null, novaVncKey: null };
  const novaBehind = readNovaBehind({ novaCloud, ...none });
  assert.ok(novaBehind !== undefined);
  const fleet = opened.use(await startFleet({ novaBehind }));
  const node = await fleet.start();
  const urlOf = (token: string, path: string, { origin } = node) =>
    `${webSocketUrl(origin)}${path}?token=${token}`;
  const owned = opened.move();
  return {
    ...{ nova, fleet, node, urlOf },
    open: async (...where) => await TestViewer.connect(urlOf(...where), { protocols: ["binary"] }),
    endings: async () => {
      const { items } = await fleet.control.services.sessions.list(fleet.control.admin, {});
      return items.map(({ protocol, ending }) => [protocol, ending?.code] as const).toReversed();
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
