import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build, type Plugin, type UserConfig } from "vite";
import { CODINGS, ENDINGS } from "./src/proxy/http/content-coding.ts";

/**
 * Two web apps, each complete in its own folder of dist/web: a node serves the viewer, control the operator's
 * pages. `vite build` builds both. All addresses inside are relative, so that a front proxy may put them under
 * any path.
 */
function app(name: "viewer" | "operator", pages: readonly string[]): UserConfig {
  const root = `${import.meta.dirname}/src/web/${name}`;
  return {
    root,
    base: "./",
    publicDir: "../ui/public",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir: `${import.meta.dirname}/dist/web/${name}`,
      emptyOutDir: true,
      // noVNC awaits at the top level.
      target: "es2022",
      // light-dark() is passed through as it is written.
      cssTarget: ["chrome123", "firefox120", "safari17.5"],
      // Everything is a file of its own: the pages' policy allows no data: in scripts and styles.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      license: { fileName: "licenses.txt" },
      rolldownOptions: {
        input: pages.map((page) => `${root}/${page}`),
        output: {
          codeSplitting: {
            groups: [
              { name: "novnc", test: /node_modules[\\/]@novnc[\\/]/ },
              { name: "xterm", test: /node_modules[\\/]@xterm[\\/](?:xterm|addon-fit)[\\/].*js$/ },
            ],
          },
        },
      },
    },
  };
}

/** What xterm.js 6.0.0 does with styles: for its sizes, colours and scroll bar, and for cells with colours of their own. */
const TERMINAL_STYLES = [
  { made: /createElement\("style"\)/g, count: 3, instead: 'createElement("terminal-style")' },
  { made: /(\w+)\.setAttribute\("style",/g, count: 1, instead: 'Reflect.set($1.style,"cssText",' },
];

const OPERATOR = { ...app("operator", ["index.html"]), plugins: [encodedForms()] };

export default {
  ...app("viewer", ["console.html", "serial.html"]),
  plugins: [
    terminalStyles(),
    terminalEarly(),
    encodedForms(),
    {
      name: "porthole:operator",
      buildApp: async () => {
        await build({ configFile: false, ...OPERATOR });
      },
    },
  ],
} satisfies UserConfig;

/** What gets smaller: the others are compressed in themselves. */
const TEXT = /\.(?:css|html|js|json|svg|txt|wasm|webmanifest)$/;

/** What is smaller fits one packet anyway. */
const WORTH_ENCODING_BYTES = 1024;

const ENCODE = { br: brotliCompressSync, gzip: (body: Buffer) => gzipSync(body, { level: 9 }) } as const;

/** Puts its encoded forms beside each file, as small as they get; nodes and control hand them out as they are. */
function encodedForms(): Plugin {
  let folder = "";
  return {
    name: "porthole:encoded-forms",
    configResolved({ build: { outDir } }) {
      folder = outDir;
    },
    // Not closeBundle, which comes after a build that failed as well, and would say that there is nothing.
    writeBundle() {
      const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
      for (const path of names.filter((name) => TEXT.test(name)).map((name) => join(folder, name))) {
        const body = readFileSync(path);
        if (body.length <= WORTH_ENCODING_BYTES) continue;
        for (const coding of CODINGS) {
          const encoded = ENCODE[coding](body);
          if (encoded.length < body.length) writeFileSync(path + ENDINGS[coding], encoded);
        }
      }
    },
  };
}

/** What the terminal is in that a serial line's page shows its first character on; the search is loaded when somebody searches. */
const TERMINAL = /^assets\/(?:xterm|addon-fit)-/;

/** A serial line's page loads its terminal by itself, once its script runs: its files are asked for together with that script. */
function terminalEarly(): Plugin {
  return {
    name: "porthole:terminal-early",
    transformIndexHtml: {
      order: "post",
      handler: (_html, { chunk, bundle = {} }) => {
        const loaded = (chunk?.dynamicImports ?? []).filter((file) => TERMINAL.test(file));
        const needed = loaded.flatMap((file) => {
          const part = bundle[file];
          return part?.type === "chunk" ? [file, ...part.imports.filter((one) => TERMINAL.test(one))] : [];
        });
        return [...new Set(needed)].map((file) => ({
          tag: "link",
          attrs: { rel: "modulepreload", crossorigin: true, href: `./${file}` },
          injectTo: "head",
        }));
      },
    },
  };
}

/** xterm.js puts styles into the page, which the page's policy forbids: see src/web/viewer/serial/terminal-style.ts. */
function terminalStyles(): Plugin {
  return {
    name: "porthole:terminal-styles",
    transform: {
      filter: { id: /@xterm[\\/]xterm[\\/]lib[\\/]xterm\.mjs$/ },
      handler: (code) => ({ code: TERMINAL_STYLES.reduce(allowed, code), map: null }),
    },
  };
}

function allowed(code: string, { made, count, instead }: (typeof TERMINAL_STYLES)[number]): string {
  const found = code.match(made)?.length ?? 0;
  if (found !== count)
    throw new Error(`xterm.js has ${made} ${found} times, not ${count}: look at each of them`);
  return code.replaceAll(made, instead);
}
