/**
 * `npm run fuzz:record`: records what real servers say into fuzz/corpus, in place of what was recorded before: QEMU, Xtigervnc,
 * Xtightvnc, libvirt, govmomi's simulator, and the example of a command driver. What broke a parser once stays.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { concat } from "#base/bytes.ts";
import { scratch } from "../../test/harness/scratch.ts";
import { createPki, writePki } from "../../test/peers/pki.ts";
import { startQemu } from "../../test/peers/qemu.ts";
import { saslFolder } from "../../test/peers/sasl.ts";
import { startTigerVnc } from "../../test/peers/tigervnc.ts";
import { lackingTightVnc, startTightVnc } from "../../test/peers/tightvnc.ts";
import { lackingWebsockify, startWebsockify } from "../../test/peers/websockify.ts";
import { removeRecorded, writeCase } from "../corpus.ts";
import { VERBS } from "../targets/command-answer.ts";
import { POLICIES } from "../targets/rfb-handshake.ts";
import { SCREENS } from "../targets/rfb-snapshot.ts";
import { PREFIXES } from "../targets/rfb-websocket.ts";
import { KINDS } from "../targets/vsphere-soap.ts";
import { findTarget } from "../targets.ts";
import { recordCommand } from "./command.ts";
import { recordLibvirt } from "./libvirt.ts";
import { recordRa2 } from "./ra2.ts";
import { type RfbServer, recordRfb } from "./rfb.ts";
import { recordVsphere } from "./vsphere.ts";
import { recordWebSocket } from "./web-socket.ts";

const limits = {
  /** Of a picture; what comes behind it is more of the same. */
  pictureBytes: 4_096,
} as const;
/** By target: what comes to the same more than once is recorded once. */
const endings = new Set<string>();

removeRecorded();
await recordQemu();
await recordTigerVnc();
await recordTightVnc();
await recordOpenQemu();
for (const [name, said] of Object.entries(recordRa2())) keep("rfb-ra2", name, said);
await recordOfLibvirt();
await recordOfCommand();
for (const [index, { kind, said }] of (await recordVsphere()).entries())
  keep("vsphere-soap", `${index}-${kind}`, concat([Uint8Array.of(KINDS.indexOf(kind)), Buffer.from(said)]));

async function recordQemu(): Promise<void> {
  await using folder = scratch();
  const pki = await createPki();
  const good = writePki(join(folder.path, "good"), pki.authority, pki.server);
  const password = "geheim";
  const screens = {
    open: {},
    password: { password },
    sasl: { sasl: true },
    x509: { tls: "good" },
    "x509-password": { tls: "good", password },
    "x509-sasl": { tls: "good", sasl: true },
    anonymous: { tls: "anonymous" },
    "anonymous-password": { tls: "anonymous", password },
  };
  const credentials = { good: { folder: good }, anonymous: "anonymous" } as const;
  for (const mechanism of ["scram-sha-256", "plain"]) {
    const sasl = await saslFolder(join(folder.path, mechanism), [mechanism]);
    await using qemu = await startQemu(screens, { credentials, saslFolder: sasl });
    // The others know nothing of it.
    const recorded = Object.entries(qemu.ports).filter(
      ([name]) => mechanism === "scram-sha-256" || name.endsWith("sasl"),
    );
    for (const [screen, port] of recorded)
      await record(`qemu-${mechanism}-${screen}`, { host: qemu.host, port });
  }
}

async function recordTigerVnc(): Promise<void> {
  const certificate = (await createPki()).server;
  const password = "geheim";
  for (const type of ["None", "VncAuth", "X509None", "X509Vnc", "TLSNone", "TLSVnc"]) {
    await using server = await startTigerVnc({ password, securityTypes: [type], certificate });
    await record(`tigervnc-${type.toLowerCase()}`, server);
  }
}

async function recordTightVnc(): Promise<void> {
  if (lackingTightVnc !== false) return;
  for (const password of [undefined, "geheim"]) {
    await using server = await startTightVnc(password);
    await record(`tightvnc-${password === undefined ? "none" : "password"}`, server, ["rfb-tight"]);
  }
}

/** A screen's picture, QEMU's own WebSocket, and websockify before the same screen. */
async function recordOpenQemu(): Promise<void> {
  await using folder = scratch();
  await using qemu = await startQemu({ open: { webSocket: true } });
  const filename = join(folder.path, "screen.ppm");
  await qemu.qmp("screendump", { filename });
  keep("screenshot", "qemu", corner(readFileSync(filename)));
  const { host } = qemu;
  const servers: Record<string, { readonly host: string; readonly port: number; readonly path: string }> = {
    qemu: { host, port: qemu.webSocketPorts.open ?? 0, path: "/" },
  };
  await using websockify = lackingWebsockify
    ? undefined
    : await startWebsockify({ screen: { host, port: qemu.ports.open } });
  if (websockify !== undefined)
    servers["websockify"] = { host, port: websockify.port, path: websockify.pathOf("screen") };
  for (const [name, server] of Object.entries(servers)) {
    const { head, frames } = await recordWebSocket(server);
    keep("rfb-websocket", `${name}-frames`, concat([Uint8Array.of(0), frames]));
    keep("rfb-websocket", `${name}-head`, concat([Uint8Array.of(PREFIXES.length - 1), head]));
    keep("rfb-websocket", `${name}-behind`, concat([Uint8Array.of(1), behindAccept(head), frames]));
  }
}

/** Of an answer's head: what does not stand in `PREFIXES` already. */
function behindAccept(head: Uint8Array): Uint8Array {
  const said = /^(HTTP\/|upgrade:|connection:|sec-websocket-accept:)/i;
  const lines = Buffer.from(head).toString("latin1").split("\r\n");
  return Buffer.from(lines.filter((line) => !said.test(line)).join("\r\n"), "latin1");
}

/** What is said under each policy, refusals included. */
async function record(
  name: string,
  server: RfbServer,
  targets: readonly string[] = Object.keys(POLICIES),
): Promise<void> {
  for (const target of targets) {
    for (const [index, policy] of (POLICIES[target] ?? []).entries()) {
      const number = name.startsWith("qemu") ? 1 : 0;
      const { handshake, picture } = await recordRfb(server, policy, SCREENS[number] ?? SCREENS[0]);
      const input = concat([Uint8Array.of(index), handshake]);
      const ending = `${target} ${await findTarget(target).run(input, (bytes) => [bytes])}`;
      if (!endings.has(ending)) keep(target, `${name}-${index}`, input);
      endings.add(ending);
      if (picture.length > 0 && target === "rfb-security")
        keep("rfb-snapshot", name, concat([Uint8Array.of(number), picture.subarray(0, limits.pictureBytes)]));
    }
  }
}

async function recordOfLibvirt(): Promise<void> {
  const { conversations, line, xml, picture } = await recordLibvirt();
  for (const target of ["libvirt-rpc", "libvirt-connection"])
    for (const [name, said] of Object.entries(conversations)) keep(target, name, said);
  keep("libvirt-console", "bios", line);
  for (const [name, text] of Object.entries(xml)) keep("libvirt-xml", name, new TextEncoder().encode(text));
  keep("screenshot", "libvirt", picture);
}

async function recordOfCommand(): Promise<void> {
  for (const [index, { verb, output }] of (await recordCommand()).entries())
    keep("command-answer", `${index}-${verb}`, concat([Uint8Array.of(VERBS.indexOf(verb)), output]));
}

/** The first pixels of a PPM: the whole is more of the same, and more than fits. */
function corner(ppm: Uint8Array): Uint8Array {
  const [head = ""] = /^P6.*?\n255\n/s.exec(Buffer.from(ppm).toString("latin1")) ?? [];
  const small = head.replace(/\d+ \d+(?=\n255\n$)/, "8 4");
  return concat([Buffer.from(small, "latin1"), ppm.subarray(head.length, head.length + 8 * 4 * 3)]);
}

function keep(target: string, name: string, bytes: Uint8Array): void {
  const file = writeCase(target, `recorded-${name}`, bytes);
  process.stdout.write(`${target}/${file}: ${bytes.length} bytes\n`);
}
