/** The two load generators, each a process of its own: the upstream's end and the viewers' end. */
import { fileURLToPath } from "node:url";
import { remote } from "../load/remote.ts";
import type { UpstreamCommands } from "../load/upstream.ts";
import type { ViewerCommands } from "../load/viewers.ts";
import { type Child, start } from "./child.ts";

export interface Generators extends AsyncDisposable {
  readonly upstream: UpstreamCommands;
  readonly viewers: ViewerCommands;
  readonly upstreamPid: number;
  readonly viewersPid: number;
}

export function startGenerators(): Generators {
  const upstream = generator(new URL("../load/upstream.ts", import.meta.url));
  const viewers = generator(new URL("../load/viewers.ts", import.meta.url));
  return {
    upstream: remote(upstream.process),
    viewers: remote(viewers.process),
    upstreamPid: upstream.pid,
    viewersPid: viewers.pid,
    async [Symbol.asyncDispose]() {
      await Promise.all([viewers[Symbol.asyncDispose](), upstream[Symbol.asyncDispose]()]);
    },
  };
}

function generator(file: URL): Child {
  const args = [fileURLToPath(file)];
  return start({ command: process.execPath, args, part: "generator", channel: true });
}
