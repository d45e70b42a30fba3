import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import type { Locator, Page } from "playwright-core";
import type { SignInLink } from "#wire/api.ts";
import type { Certificate } from "#wire/certificate.ts";
import { startBrowser, type TestBrowser } from "./browser.ts";
import type { NativeClient } from "./native-client.ts";
import { type Control, type Node, startControl, startNode } from "./porthole.ts";
import { scratch } from "./scratch.ts";
import { idOf } from "./serving-certificate.ts";

/** Of a host whose policy is stricter than control's: RSA of 2048 bits is not enough. */
const STRICT = `nodejs_conf = all
[all]
ssl_conf = tls
[tls]
system_default = strict
[strict]
CipherString = DEFAULT@SECLEVEL=3
`;

type OpenOptions = Parameters<TestBrowser["open"]>[0];

/** Control with TLS on, a node in each of three pools, openssl, and a browser for the operator's pages. */
export interface CertificateStage extends AsyncDisposable {
  readonly control: Control;
  /** Of the pools default, north and strict. */
  readonly nodes: readonly Node[];
  readonly browser: TestBrowser;
  /** Nothing is uploaded, and the domain is not set. */
  reset(): Promise<void>;
  uploaded(): Promise<readonly Certificate[]>;
  /** In the folder that openssl works in. */
  path(name: string): string;
  read(name: string): string;
  /** Resolves to the name. */
  written(name: string, text: string): string;
  openssl(command: string): void;
  /** NAME.pem, for the nodes' address, and its key NAME.key. */
  certificate(name: string, options?: { readonly days?: number; readonly names?: string }): void;
  upload(name: string, pool?: string): Promise<Certificate>;
  signedIn(api?: NativeClient, options?: OpenOptions): Promise<Page>;
  onPage(options?: OpenOptions): Promise<Page>;
}

export async function startCertificateStage(): Promise<CertificateStage> {
  await using started = new AsyncDisposableStack();
  const folder = started.use(scratch());
  const control = started.use(await startControl());
  const { api } = control;
  const path = (name: string) => join(folder.path, name);
  const read = (name: string) => readFileSync(path(name), "utf8");
  const openssl = (command: string) => {
    execFileSync("openssl", command.split(" "), { cwd: folder.path, stdio: "pipe" });
  };
  const uploaded = async () =>
    (await api.call<{ items: readonly Certificate[] }>("GET", "certificates")).items;
  const set = async (name: string, value: string) => {
    await api.call("PUT", `settings/${name}`, { value });
  };
  const joinToken = async (pool: string) =>
    (await api.call<{ token: string }>("POST", "join-tokens", { pool })).token;
  const signedIn: CertificateStage["signedIn"] = async (as = api, options = {}) => {
    const { url }: SignInLink = await as.call("POST", "me/sign-in-link");
    const page = await browser.open(options);
    await page.goto(url);
    await page.getByRole("heading", { level: 1, name: "Machines" }).waitFor();
    return page;
  };

  await set("consoleproxy.loadscan.interval", "1000");
  await set("consoleproxy.sslEnabled", "true");
  writeFileSync(path("strict.cnf"), STRICT);
  const env = { OPENSSL_CONF: path("strict.cnf") };
  const nodes = [
    started.use(await startNode(control)),
    started.use(await startNode({ ...control, joinToken: await joinToken("north") })),
    started.use(await startNode({ ...control, joinToken: await joinToken("strict") }, { env })),
  ];
  // The browser is to go first: pages that ask a control which has gone would complain.
  const browser = started.use(await startBrowser());
  const owned = started.move();
  return {
    control,
    nodes,
    browser,
    path,
    read,
    openssl,
    uploaded,
    signedIn,
    async reset() {
      for (const { id } of await uploaded()) await api.call("DELETE", `certificates/${id}`);
      await set("consoleproxy.url.domain", "");
    },
    written(name, text) {
      writeFileSync(path(name), text);
      return name;
    },
    certificate(name, { days = 90, names = "IP:127.0.0.1" } = {}) {
      openssl(
        `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${name}.key -out ${name}.pem -subj /CN=${name} -addext subjectAltName=${names} -days ${days}`,
      );
    },
    async upload(name, pool) {
      return await api.call<Certificate>("POST", "certificates", {
        certificate: read(`${name}.pem`),
        privateKey: read(`${name}.key`),
        ...(pool === undefined ? {} : { pool }),
      });
    },
    async onPage(options = {}) {
      const page = await signedIn(api, options);
      await page.getByRole("link", { name: "Certificates" }).first().click();
      await page.getByRole("heading", { level: 1, name: "Certificates" }).waitFor();
      return page;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

export async function openDialog(page: Page): Promise<Locator> {
  await page.getByRole("button", { name: "Upload a certificate" }).click();
  const dialog = page.getByRole("dialog", { name: "Upload a certificate" });
  await dialog.waitFor();
  return dialog;
}

/** The certificate that a node shows to whoever comes. */
export async function shownBy({ node }: Node): Promise<string> {
  const { hostname: host, port } = new URL(node);
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const shown = idOf(socket.getPeerX509Certificate()?.toString() ?? "");
  socket.destroy();
  return shown;
}
