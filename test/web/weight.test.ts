import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";

const built = fileURLToPath(new URL("../../dist/web", import.meta.url));
const viewer = join(built, "viewer");
const KB = 1000;

/** What a page loads before anything is to be seen: what it names, and the chunks that its protocol is shown with. */
function weightOf(
  page: string,
  later: RegExp,
): { readonly bytes: number; readonly files: readonly string[]; readonly named: readonly string[] } {
  const html = readFileSync(join(viewer, page), "utf8");
  const named = [...html.matchAll(/(?:src|href)="(?:\.\/)?([^"]+\.(?:js|css))"/g)].map(
    ([, file = ""]) => file,
  );
  const loaded = readdirSync(join(viewer, "assets"))
    .filter((file) => later.test(file))
    .map((file) => `assets/${file}`);
  const files = [...new Set([page, ...named, ...loaded])];
  const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(viewer, file))).byteLength, 0);
  return { bytes, files, named };
}

test("the page of a serial console is at most 150 kB before its first character", () => {
  const { bytes, files } = weightOf("serial.html", /^(?:xterm|addon-fit)-.*js$/);

  assert.ok(
    files.some((file) => file.includes("/xterm-")),
    "the terminal is one of them",
  );
  assert.ok(bytes <= 150 * KB, `${bytes} bytes: ${files.join(", ")}`);
});

test("the page of a serial console names its terminal's files, so that they come together with the script that needs them", () => {
  const { named, files } = weightOf("serial.html", /^(?:xterm|addon-fit)-.*js$/);

  assert.deepEqual(
    files.filter((file) => /xterm|addon-fit/.test(file) && !named.includes(file)),
    [],
  );
});

test("the page of a picture loads nothing of the terminal, and the terminal's nothing of the picture", () => {
  const picture = weightOf("console.html", /^(?:novnc|rfb)-.*js$/);
  const terminal = weightOf("serial.html", /^(?:xterm|addon-fit)-.*js$/);

  assert.doesNotMatch(picture.files.join(), /xterm|serial/);
  assert.doesNotMatch(terminal.files.join(), /novnc|console-/);
  assert.ok(picture.bytes <= 115 * KB, `${picture.bytes} bytes`);
});

test("every text of the pages that does not fit a packet has its encoded forms beside it", () => {
  const files = readdirSync(built, { recursive: true, encoding: "utf8" }).map((name) => join(built, name));
  const texts = files.filter((file) => /\.(?:js|css|html|txt)$/.test(file) && statSync(file).size > 1024);

  for (const app of ["viewer", "operator"])
    assert.ok(
      texts.some((file) => file.startsWith(join(built, app, "assets"))),
      app,
    );
  for (const file of texts) {
    const content = readFileSync(file);
    assert.ok(brotliDecompressSync(readFileSync(`${file}.br`)).equals(content), file);
    assert.ok(gunzipSync(readFileSync(`${file}.gz`)).equals(content), file);
  }
});
