import { connect, type Socket } from "node:net";
import { startUpstream, type TestUpstream } from "./test-upstream.ts";

export interface HeldUpstream extends TestUpstream {
  /** Lets those who have called, and who call from now on, through to the server. */
  release(): void;
}

/** A server's place, at which whoever calls hears nothing until the test lets it. */
export async function startHeldUpstream(server: {
  readonly host: string;
  readonly port: number;
}): Promise<HeldUpstream> {
  const waiting: (() => void)[] = [];
  let isHeld = true;
  const through = (near: Socket) => {
    const far = connect(server);
    near.on("close", () => far.destroy());
    far.on("error", () => {}).on("close", () => near.destroy());
    near.pipe(far).pipe(near);
  };
  const upstream = await startUpstream(({ socket }) => {
    if (isHeld) waiting.push(() => through(socket));
    else through(socket);
  });
  return {
    ...upstream,
    release() {
      isHeld = false;
      for (const letThrough of waiting.splice(0)) letThrough();
    },
  };
}
