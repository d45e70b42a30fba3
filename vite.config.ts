import { build, type Plugin, type UserConfig } from "vite";

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

const OPERATOR = app("operator", ["index.html"]);

export default {
  ...app("viewer", ["console.html", "serial.html"]),
  plugins: [
    terminalStyles(),
    terminalEarly(),
    {
      name: "porthole:operator",
      buildApp: async () => {
        await build({ configFile: false, ...OPERATOR });
      },
    },
  ],
} satisfies UserConfig;

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
