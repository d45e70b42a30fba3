import { startLink } from "#control/link/link.ts";
import type { LinkParts } from "#control/link/server.ts";
import { type TestControl, type TestControlOptions, type TestNode, testControl } from "./control.ts";
import { LinkClient } from "./link-client.ts";

/** The node link of a control in this process. */
export interface OpenLink extends AsyncDisposable {
  readonly control: TestControl;
  readonly origin: string;
  /** The installation's CA, PEM. */
  readonly ca: string;
  stop(): Promise<void>;
}

/** With some of what the link hands on to replaced, where a test says so. */
export async function openLink(
  replaced: Partial<LinkParts> = {},
  options: TestControlOptions = {},
): Promise<OpenLink> {
  const control = await testControl(options);
  const { authority } = control.installation;
  const listen = { host: "127.0.0.1", port: 0 };
  const parts = { ...control.link, ...replaced };
  const serving = await startLink(parts, { listen, names: [], authority, clock: control.clock });
  return {
    control,
    origin: `https://127.0.0.1:${serving.address.port}`,
    ca: authority.certificate,
    stop: async () => await serving.close(),
    async [Symbol.asyncDispose]() {
      await serving.close();
      await control[Symbol.asyncDispose]();
    },
  };
}

export async function nodeClient(
  link: OpenLink,
  { certificate: cert, privateKey: key }: TestNode,
): Promise<LinkClient> {
  return await LinkClient.open(link.origin, { ca: link.ca, cert, key });
}
