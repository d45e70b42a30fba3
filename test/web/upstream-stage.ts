import { hash } from "node:crypto";
import { join } from "node:path";
import type { NewMachine } from "#wire/api.ts";
import { lackingBrowser } from "../harness/browser.ts";
import { scratch } from "../harness/scratch.ts";
import { openTypeAndLeave, type Stage, startStage } from "../harness/stage.ts";
import type { TestCertificate } from "../harness/test-certificates.ts";
import { lackingHaproxy } from "../peers/haproxy.ts";
import { createPki, type Pki, SERVER_NAME, writePki } from "../peers/pki.ts";
import { lackingGuest } from "../peers/qemu.ts";
import { lackingSasl, SASL_ACCOUNT, saslFolder } from "../peers/sasl.ts";
import { startTlsFront, type TlsFront } from "../peers/tls-front.ts";
import { lackingWebsockify, startWebsockify, type Websockify } from "../peers/websockify.ts";

export const lackingUpstreamStage =
  lackingBrowser || lackingGuest || lackingSasl || lackingWebsockify || lackingHaproxy;

const PASSWORD = "s3cret!";
const INSECURE = { mode: "insecure" } as const;

type Screen =
  | "open"
  | "locked"
  | "webSocket"
  | "webSocketTls"
  | "x509"
  | "x509Vnc"
  | "anonymousVnc"
  | "mutual"
  | "sasl";

/** One guest, which has no network at all, behind every kind of security that its hypervisor can ask for. */
export interface UpstreamStage extends AsyncDisposable {
  readonly stage: Stage<Screen>;
  readonly pki: Pki;
  /** Both before the screen that asks for a password. */
  readonly websockify: Websockify;
  readonly tlsFront: TlsFront;
}

export async function startUpstreamStage(): Promise<UpstreamStage> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(scratch());
  const pki = await createPki();
  const good = writePki(join(folder.path, "good"), pki.authority, pki.server);
  const stage = opened.use(
    await startStage<Screen>(
      {
        open: {},
        locked: { password: PASSWORD },
        webSocket: { password: PASSWORD, webSocket: true },
        webSocketTls: { tls: "good", webSocket: true },
        x509: { tls: "good" },
        x509Vnc: { tls: "good", password: PASSWORD },
        anonymousVnc: { tls: "anonymous", password: PASSWORD },
        mutual: { tls: "mutual" },
        sasl: { tls: "good", sasl: true },
      },
      {
        credentials: {
          good: { folder: good },
          mutual: { folder: good, asksForCertificate: true },
          anonymous: "anonymous",
        },
        saslFolder: await saslFolder(join(folder.path, "sasl"), ["SCRAM-SHA-256"]),
      },
    ),
  );
  const { host, ports } = stage.guest;
  const locked = { host, port: ports.locked };
  const websockify = opened.use(await startWebsockify({ locked }));
  const tlsFront = opened.use(await startTlsFront(locked, { certificate: pki.server }));
  const owned = opened.move();
  return { stage, pki, websockify, tlsFront, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

export const verify = ({ pki }: Pick<UpstreamStage, "pki">) => ({
  mode: "verify" as const,
  ca: pki.authority.pem,
  serverName: SERVER_NAME,
});
const client = ({ pem, keyPem }: TestCertificate) => ({ clientCertificate: pem, clientKey: keyPem });
const thumbprint = ({ pki }: UpstreamStage) =>
  `sha256:${hash("sha256", Buffer.from(pki.server.certificate.rawData), "hex")}`;
const at = ({ stage: { guest } }: UpstreamStage, screen: Screen, scheme: string) =>
  `${scheme}://${guest.host}:${guest.webSocketPorts[screen]}`;

type Way = readonly [Screen, (on: UpstreamStage) => Partial<NewMachine>];

/** Ways to a console that differ for the browser as well, or in all that lies behind the node. */
export const WAYS = {
  "VNC authentication": ["locked", () => ({ password: PASSWORD })],
  "X509None, by authority and name": ["x509", (on) => ({ tls: verify(on) })],
  "X509SASL with SCRAM-SHA-256": ["sasl", (on) => ({ tls: verify(on), ...SASL_ACCOUNT })],
  "a WebSocket within TLS": [
    "webSocketTls",
    (on) => ({ address: at(on, "webSocketTls", "wss"), tls: verify(on) }),
  ],
} satisfies Readonly<Record<string, Way>>;

/** Those that are made of the same parts, each of which test/peers tries at a node as well. */
export const FURTHER_WAYS = {
  None: ["open", () => ({})],
  "X509None, by thumbprint": ["x509", (on) => ({ tls: { mode: "pin", pin: thumbprint(on) } })],
  "X509None, with a client certificate": [
    "mutual",
    (on) => ({ tls: { ...verify(on), ...client(on.pki.client) } }),
  ],
  X509Vnc: ["x509Vnc", (on) => ({ tls: verify(on), password: PASSWORD })],
  "TLSVnc, where that is allowed": ["anonymousVnc", () => ({ tls: INSECURE, password: PASSWORD })],
  "a WebSocket": ["webSocket", (on) => ({ address: at(on, "webSocket", "ws"), password: PASSWORD })],
  "websockify, with the password of the machine behind it": [
    "locked",
    ({ websockify: { host, port, pathOf } }) => ({
      address: `ws://${host}:${port}${pathOf("locked")}`,
      password: PASSWORD,
    }),
  ],
  "TLS from the first byte on": [
    "locked",
    (on) => ({
      address: `tls://${on.tlsFront.host}:${on.tlsFront.port}`,
      tls: verify(on),
      password: PASSWORD,
    }),
  ],
} satisfies Readonly<Record<string, Way>>;

/** A console is opened in the browser by this way, typed into, and closed. */
export async function openTypeAndClose(on: UpstreamStage, [screen, options]: Way): Promise<void> {
  await openTypeAndLeave(on.stage, await on.stage.machine(screen, options(on)));
}
