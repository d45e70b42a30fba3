import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";
import { untilAccepts } from "./front-proxies.ts";
import { passwordFile, startTerminal } from "./tigervnc.ts";

export const lackingTightVnc = lacking("tightvncserver", "xfonts-base");

/** Where something runs in its terminal. */
export const lackingTightVncTerminal = lacking("tightvncserver", "xfonts-base", "xterm");

export interface TightVnc extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

/** Debian's Xtightvnc, which offers the Tight security type beside None or VNC authentication; with a script, for bash, that runs in a terminal. */
export async function startTightVnc(password?: string, script?: string): Promise<TightVnc> {
  const folder = scratch();
  const signIn = password === undefined ? [] : ["-rfbauth", passwordFile(folder.path, password)];
  return await onFreePort(async (port) => {
    // It takes the number of its display from us: the port's, which nobody else has.
    const child = await startProcess("Xtightvnc", [
      ...[`:${port}`, "-rfbport", `${port}`, "-localhost", "-nolisten", "tcp", ...signIn],
    ]);
    await untilAccepts(child, port);
    const terminal = script === undefined ? undefined : await startTerminal(`${port}`, script);
    return {
      host: LOOPBACK,
      port,
      [Symbol.asyncDispose]: async () => {
        await terminal?.stop("SIGKILL");
        await child.stop();
        await folder[Symbol.asyncDispose]();
      },
    };
  });
}
