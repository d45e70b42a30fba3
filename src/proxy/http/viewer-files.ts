import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { extname, join, relative, sep } from "node:path";
import { ConfigError } from "#base/config.ts";
import { answer } from "./answer.ts";
import { accepts, CODINGS, ENDINGS, type Encoded, isEncodedFrom } from "./content-coding.ts";

interface ViewerFile {
  readonly body: Buffer;
  readonly encoded: readonly Encoded[];
  readonly type: string;
  readonly hash: string;
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
 * Reads the built viewer into memory, once, with the encoded forms that were built beside it. What is served is looked up in this list and
 * never on disk, so a path that climbs, is encoded, or leads over a symbolic link finds nothing. Throws a ConfigError where there is none.
 */
export function readViewerFiles(folder: string): ViewerFiles {
  const contents = new Map(
    listFiles(folder).map((path) => [relative(folder, path).split(sep).join("/"), readFileSync(path)]),
  );
  const files = [...contents].filter(([name]) => !isEncodedForm(name, contents));
  if (files.length === 0)
    throw new ConfigError([`${folder} holds no viewer: build it with “npm run build:web”`]);
  return new Map(files.map(([name, body]) => [name, viewerFile(name, body, contents)]));
}

export function answerFile(
  request: IncomingMessage,
  response: ServerResponse,
  { file, headers }: { readonly file: ViewerFile; readonly headers: OutgoingHttpHeaders },
): void {
  const chosen = file.encoded.find(({ coding }) => accepts(request.headers["accept-encoding"], coding));
  // Each coding is a representation of its own (RFC 9110 §8.8.3.3), so no cache takes one for another.
  const etag = chosen === undefined ? `"${file.hash}"` : `"${file.hash}-${chosen.coding}"`;
  const caching: OutgoingHttpHeaders = { ...headers, "cache-control": file.caching, etag };
  if (file.encoded.length > 0) caching["vary"] = "Accept-Encoding";
  if (holds(request.headers["if-none-match"], etag)) {
    response.writeHead(304, caching).end();
    return;
  }
  answer(request, response, {
    status: 200,
    headers: {
      ...caching,
      "content-type": file.type,
      ...(chosen === undefined ? {} : { "content-encoding": chosen.coding }),
    },
    body: chosen?.body ?? file.body,
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

type Contents = ReadonlyMap<string, Buffer>;

function isEncodedForm(name: string, contents: Contents): boolean {
  return CODINGS.some(
    (coding) => name.endsWith(ENDINGS[coding]) && contents.has(name.slice(0, -ENDINGS[coding].length)),
  );
}

function viewerFile(name: string, body: Buffer, contents: Contents): ViewerFile {
  return {
    body,
    encoded: encodedForms(name, body, contents),
    type: TYPES[extname(name)] ?? "application/octet-stream",
    hash: createHash("sha256").update(body).digest("base64url"),
    caching: cachingOf(name),
  };
}

/** Of a file that was changed after it was built there are none. */
function encodedForms(name: string, body: Buffer, contents: Contents): readonly Encoded[] {
  return CODINGS.flatMap((coding) => {
    const encoded = contents.get(name + ENDINGS[coding]);
    if (encoded === undefined) return [];
    const form = { coding, body: encoded };
    return isEncodedFrom(body, form) ? [form] : [];
  });
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
