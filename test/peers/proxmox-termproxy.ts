import { connect } from "node:net";
import type { WebSocket } from "ws";

/** A machine's serial line, as `qm terminal` connects to it. */
interface Line {
  readonly host: string;
  readonly port: number;
}

interface Terminal {
  readonly user: string;
  readonly ticket: string;
  /** `serial0` … `serial3`. */
  readonly port: string;
  /** What stands there; undefined: no such port is configured. */
  readonly line: Line | undefined;
  /** Whether the ticket of a token is taken. */
  readonly takesTokens: boolean;
  /** What it does not understand, as a test is to see it. */
  readonly misread: (said: string) => void;
}

/**
 * Proxmox VE's termproxy, before a real serial line:
 *
 * [termproxy] pve-xtermjs, termproxy/src/main.rs (2.1.0): the first line is USER:TICKET; who is taken is answered OK, and who is not, nothing. Then messages:
 *   0:LENGTH:BYTES, 1:COLUMNS:ROWS:, 2. It passes over what it does not understand, which loses what is typed; so here that is told.
 * [ticket] pve-access-control, src/PVE/API2/AccessControl.pm: /access/ticket, which termproxy asked once, takes no name of a token; /access/vncticket does,
 *   which qemu-server has it ask from 9.1.7 on (src/PVE/API2/Qemu.pm, termproxy).
 * [terminal] qemu-server, src/PVE/CLI/qm.pm, terminal: says which line it is, and has socat connect to it, byte for byte: sizes end at its own terminal.
 */
export function serveTermproxy(webSocket: WebSocket, terminal: Terminal): void {
  const { user, ticket, port, line, takesTokens, misread } = terminal;
  const messages = new Messages(misread);
  let early = Buffer.alloc(0);
  let machine: ReturnType<typeof connect> | undefined;
  webSocket.on("message", (data: Buffer) => {
    if (machine !== undefined) {
      machine.write(messages.read(data));
      return;
    }
    early = Buffer.concat([early, data]);
    const end = early.indexOf("\n");
    if (end < 0) return;
    const isToken = user.includes("!");
    if (early.toString("latin1", 0, end) !== `${user}:${ticket}` || (isToken && !takesTokens)) {
      webSocket.close();
      return;
    }
    webSocket.send(Buffer.from("OK"));
    if (line === undefined) {
      webSocket.send(Buffer.from(`serial interface '${port}' is not configured\r\n`));
      webSocket.close();
      return;
    }
    webSocket.send(Buffer.from(`starting serial terminal on interface ${port}\r\n`));
    machine = connect(line.port, line.host);
    machine.on("error", () => {}).on("data", (chunk: Buffer) => webSocket.send(chunk));
    machine.on("close", () => webSocket.close());
    machine.write(messages.read(early.subarray(end + 1)));
  });
  webSocket.on("close", () => machine?.destroy());
}

/** [termproxy], process_queue. */
class Messages {
  readonly #misread: (said: string) => void;
  /** Bytes of a message 0 that are still to come. */
  #remaining = 0;

  constructor(misread: (said: string) => void) {
    this.#misread = misread;
  }

  /** What of it is typed. A message's head that comes in two parts is misread, as it is there. */
  read(data: Buffer): Buffer {
    const typed: Buffer[] = [];
    let rest = data;
    while (rest.length > 0) {
      if (this.#remaining > 0) {
        const part = rest.subarray(0, this.#remaining);
        this.#remaining -= part.length;
        typed.push(part);
        rest = rest.subarray(part.length);
        continue;
      }
      const [head, length] = /^(?:0:(\d+):|1:\d+:\d+:|2)/.exec(rest.toString("latin1", 0, 24)) ?? [];
      if (head === undefined) {
        this.#misread(rest.toString("latin1"));
        break;
      }
      this.#remaining = Number(length ?? 0);
      rest = rest.subarray(head.length);
    }
    return Buffer.concat(typed);
  }
}
