import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import type { Log } from "#base/process/log.ts";
import type { Services } from "../../services.ts";
import type { AuthenticationDeps } from "../authentication.ts";
import { consoleLink } from "./console-link.ts";

type WebOptions = Omit<AuthenticationDeps, "accounts"> & {
  readonly services: Pick<Services, "accounts" | "consoles">;
  readonly log: Log;
  readonly webRoot: string | undefined;
};

/** Vite names its assets by their content, so an asset never changes under its name. */
const ASSETS = /[\\/]assets[\\/]/;

/**
 * The self-check's worker alone talks to nodes, wherever they are. It has a policy of its own, has no document, and knows
 * nothing that is worth telling anybody.
 */
const SELF_CHECK_WORKER = /[\\/]browser-worker-[^\\/]*\.js(?:\.br|\.gz)?$/;
const SELF_CHECK_POLICY = "default-src 'none'; script-src 'self'; connect-src http: https: ws: wss:";

/** What people open in a browser: the operator's pages, and the links to consoles that stand on them. */
export async function webPages(app: FastifyInstance, { webRoot, ...options }: WebOptions): Promise<void> {
  consoleLink(app, options);
  if (webRoot === undefined) return;
  await app.register(fastifyStatic, {
    root: webRoot,
    // A list: of a name alone it finds no encoded form, and nothing at all for who would take one.
    index: ["index.html"],
    dotfiles: "deny",
    cacheControl: false,
    // Nobody has half of a page; and a range behind its end would be an error of ours.
    acceptRanges: false,
    // Vite puts them beside each file, and they go out as they lie there: who changes a file by hand deletes them.
    preCompressed: true,
    setHeaders: (reply, path) => {
      const immutable = ASSETS.test(path);
      if (SELF_CHECK_WORKER.test(path)) reply.header("content-security-policy", SELF_CHECK_POLICY);
      reply.header("cache-control", immutable ? "public, max-age=31536000, immutable" : "no-store");
    },
  });
}
