import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";
import { untilAccepts } from "./front-proxies.ts";
import { passwordFile } from "./tigervnc.ts";

export const lackingTightVnc = lacking("tightvncserver", "xfonts-base");

export interface TightVnc extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

/** Debian's Xtightvnc, which offers the Tight security type beside None or VNC authentication. */
export async function startTightVnc(password?: string): Promise<TightVnc> {
  const folder = scratch();
  const signIn = password === undefined ? [] : ["-rfbauth", passwordFile(folder.path, password)];
  return await onFreePort(async (port) => {
    // It takes the number of its display from us: the port's, which nobody else has.
    const child = await startProcess("Xtightvnc", [
      ...[`:${port}`, "-rfbport", `${port}`, "-localhost", "-nolisten", "tcp", ...signIn],
    ]);
    await untilAccepts(child, port);
    return {
      host: LOOPBACK,
      port,
      [Symbol.asyncDispose]: async () => {
        await child.stop();
        await folder[Symbol.asyncDispose]();
      },
    };
  });
}
