import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { extname, join, relative, sep } from "node:path";
import { ConfigError } from "#base/config.ts";
import { answer } from "./answer.ts";

interface ViewerFile {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
  readonly caching: string;
}

/** Path below the viewer's folder, with slashes, to the file. */
export type ViewerFiles = ReadonlyMap<string, ViewerFile>;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".txt": "text/plain; charset=utf-8",
};

/** Vite puts a hash of the content into these names, so what a name stands for never changes. */
const HASHED = /^assets\/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;

/**
 * Reads the built viewer into memory, once. What is served is looked up in this list and never on disk, so a path
 * that climbs, is encoded, or leads over a symbolic link finds nothing. Throws a ConfigError where there is none.
 */
export function readViewerFiles(folder: string): ViewerFiles {
  const files = new Map(
    listFiles(folder).map((path) => [relative(folder, path).split(sep).join("/"), readFile(folder, path)]),
  );
  if (files.size === 0)
    throw new ConfigError([`${folder} holds no viewer: build it with “npm run build:web”`]);
  return files;
}

export function answerFile(
  request: IncomingMessage,
  response: ServerResponse,
  { file, headers }: { readonly file: ViewerFile; readonly headers: OutgoingHttpHeaders },
): void {
  const known = holds(request.headers["if-none-match"], file.etag);
  const caching = { ...headers, "cache-control": file.caching, etag: file.etag };
  if (known) {
    response.writeHead(304, caching).end();
    return;
  }
  answer(request, response, {
    status: 200,
    headers: { ...caching, "content-type": file.type },
    body: file.body,
  });
}

function listFiles(folder: string): string[] {
  try {
    return filesBelow(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

/** A symbolic link is neither file nor folder here, wherever it leads; readdir's own `recursive` would follow it. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

function readFile(folder: string, path: string): ViewerFile {
  const body = readFileSync(path);
  const name = relative(folder, path).split(sep).join("/");
  return {
    body,
    type: TYPES[extname(name)] ?? "application/octet-stream",
    etag: `"${createHash("sha256").update(body).digest("base64url")}"`,
    caching: cachingOf(name),
  };
}

function cachingOf(name: string): string {
  if (HASHED.test(name)) return "public, max-age=31536000, immutable";
  return name.endsWith(".html") ? "no-store" : "no-cache";
}

/** RFC 9110 §13.1.2, with the weak comparison that it asks for. */
function holds(ifNoneMatch: string | undefined, etag: string): boolean {
  return (ifNoneMatch ?? "").split(",").some((tag) => {
    const strong = tag.trim().replace(/^W\//, "");
    return strong === etag || strong === "*";
  });
}
