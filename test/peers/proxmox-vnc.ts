import { randomBytes, randomInt } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { createWebSocketStream, WebSocketServer } from "ws";
import { type Cluster, ProxmoxError } from "./proxmox-cluster.ts";
import { serveTermproxy } from "./proxmox-termproxy.ts";
import type { Qemu } from "./qemu.ts";

/** Of a real machine, whose VNC asks for a password. */
export interface Screen {
  readonly host: string;
  readonly port: number;
  readonly qmp: Qemu<string>["qmp"];
  /** By which QMP names it. */
  readonly display: string;
  /** Where the machine's first serial line is. */
  readonly line?: { readonly host: string; readonly port: number };
}

interface Ready {
  readonly vmid: number;
  readonly port: number;
  /** Of VNC. */
  readonly password?: string;
  /** Of a termproxy: the serial port that it was asked for. */
  readonly serial?: string;
  readonly ticket: string;
  /** Whether something still listens for the one connection. */
  isListening: boolean;
  isExpired: boolean;
}

/**
 * VNC and serial lines as Proxmox VE hands them out, for a real QEMU behind it (of what a termproxy says, see proxmox-termproxy.ts):
 *
 * [vncproxy] qemu-server, src/PVE/API2/Qemu.pm: a port of 5900 … 5999, on the node that was asked, on which one connection is waited for, ten seconds
 *   long; a password of eight characters, which also stands before the ticket.
 * [termproxy] the same, termproxy: a ticket without a password, behind which `qm terminal` is, of the serial port that is asked for.
 * [ports] pve-common, src/PVE/Tools.pm, next_unused_port: 5900 … 5999, and the words where none is left.
 * [qm] src/PVE/CLI/qm.pm, vncproxy: once connected to, QEMU is given the password (set_password), which is good for 30 s more.
 * [ticket] pve-access-control, src/PVE/AccessControl.pm: the ticket is good for 40 s, for this machine and this port; another is answered 401.
 * [websocket] pve-http-server, src/PVE/APIServer/AnyEvent.pm, websocket_proxy: the sub-protocol that is asked for is agreed to, whatever it is; hangs up
 *   on messages in several frames, and of more than 128 KiB; nothing is said where nothing listens at the port.
 */
export class ProxmoxVnc {
  readonly #cluster: Cluster;
  readonly #screen: Screen;
  readonly #user: string;
  readonly misread: string[] = [];
  readonly #ready: Ready[] = [];
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 128 * 1024,
    maxFragments: 1,
    handleProtocols: ([first]) => first ?? false,
  });

  constructor(cluster: Cluster, { screen, user }: { readonly screen: Screen; readonly user: string }) {
    this.#cluster = cluster;
    this.#screen = screen;
    this.#user = user;
  }

  get secrets(): readonly string[] {
    return this.#ready.flatMap(({ password, ticket }) => [
      ...(password === undefined ? [] : [password]),
      ...[ticket, encodeURIComponent(ticket)],
    ]);
  }

  open(vmid: number, { isPlain }: { readonly isPlain: boolean }): object {
    if (!isPlain) throw new ProxmoxError(500, "VNC within TLS has no one to talk to here");
    const password = printableSecret(8);
    const ticket = `${password}:PVEVNC:${randomBytes(4).toString("hex")}::${randomBytes(256).toString("base64")}`;
    const port = this.#freePort();
    this.#ready.push({ vmid, port, password, ticket, isListening: true, isExpired: false });
    return { user: this.#user, ticket, port, password, upid: "UPID:", cert: "" };
  }

  /** [termproxy] */
  openTerminal(vmid: number, serial: string | undefined): object {
    if (serial === undefined || !/^serial[0-3]$/.test(serial))
      throw new ProxmoxError(400, "Parameter verification failed.", {
        serial: "this one is asked for by name",
      });
    const ticket = `PVEVNC:${randomBytes(4).toString("hex")}::${randomBytes(256).toString("base64")}`;
    const port = this.#freePort();
    this.#ready.push({ vmid, port, serial, ticket, isListening: true, isExpired: false });
    return { user: this.#user, ticket, port, upid: "UPID:" };
  }

  #freePort(): number {
    const taken = this.#ready.filter(({ isListening }) => isListening).map(({ port }) => port);
    const port = Array.from({ length: 100 }, (_, index) => 5900 + index).find(
      (each) => !taken.includes(each),
    );
    if (port === undefined) throw new ProxmoxError(500, "unable to find free port (5900-6000)\n");
    return port;
  }

  /** The ten seconds pass within which it is to be connected to; its ticket is good for longer. */
  stopListening(): void {
    for (const each of this.#ready) each.isListening = false;
  }

  expire(): void {
    for (const each of this.#ready) Object.assign(each, { isListening: false, isExpired: true });
  }

  upgrade(
    request: IncomingMessage,
    { socket, head, url }: { readonly socket: Duplex; readonly head: Buffer; readonly url: URL },
  ): void {
    const refuse = (status: number, reason: string) =>
      socket.end(`HTTP/1.1 ${status} ${reason}\r\ncontent-length: 0\r\n\r\n`);
    const { node, vmid } =
      /^\/api2\/json\/nodes\/(?<node>[^/]+)\/qemu\/(?<vmid>\d+)\/vncwebsocket$/.exec(url.pathname)?.groups ??
      {};
    if (vmid === undefined) return void refuse(501, "no such uri");
    if (!this.#cluster.privileges.has("VM.Console")) return void refuse(403, "Permission check failed");
    const [port, ticket] = [url.searchParams.get("port"), url.searchParams.get("vncticket")];
    if ([...url.searchParams.keys()].sort().join() !== "port,vncticket")
      return void refuse(400, "Parameter verification failed.");
    const ready = this.#ready.find((each) => each.ticket === ticket && each.vmid === Number(vmid));
    if (ready === undefined || ready.isExpired || String(ready.port) !== port)
      return void refuse(401, "permission denied - invalid PVEVNC ticket");
    if (this.#cluster.machines.get(ready.vmid)?.node !== node)
      return void refuse(500, `Configuration file 'nodes/${node}/qemu-server/${vmid}.conf' does not exist`);
    if (!ready.isListening) return void socket.destroy();
    ready.isListening = false;
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const { serial, ticket } = ready;
      if (serial === undefined) void this.#connect(ready, createWebSocketStream(webSocket));
      else
        serveTermproxy(webSocket, {
          ...{ user: this.#user, ticket, port: serial, takesTokens: this.#cluster.takesTokens },
          line: serial === "serial0" ? this.#screen.line : undefined,
          misread: (said) => this.misread.push(said),
        });
    });
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }

  async #connect({ password }: Ready, stream: Duplex): Promise<void> {
    const { qmp, display, host, port } = this.#screen;
    const machine = connect(port, host);
    for (const each of [machine, stream]) each.on("error", () => {}).pause();
    stream.on("close", () => machine.destroy());
    machine.on("close", () => stream.destroy());
    await qmp("set_password", { protocol: "vnc", password, display });
    await qmp("expire_password", { protocol: "vnc", time: "+30", display });
    machine.pipe(stream).pipe(machine);
  }
}

/** PVE::Ticket::generate_vnc_password: of `!` … `~`. */
function printableSecret(length: number): string {
  return String.fromCharCode(...Array.from({ length }, () => randomInt(0x21, 0x7f)));
}
