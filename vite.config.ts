import { build, type UserConfig } from "vite";

/**
 * Two web apps, each complete in its own folder of dist/web: a node serves the viewer, control the operator's
 * pages. `vite build` builds both. All addresses inside are relative, so that a front proxy may put them under
 * any path.
 */
function app(name: "viewer" | "operator", page: string): UserConfig {
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
        input: `${root}/${page}`,
        output: {
          codeSplitting: { groups: [{ name: "novnc", test: /node_modules[\\/]@novnc[\\/]/ }] },
        },
      },
    },
  };
}

const OPERATOR = app("operator", "index.html");

export default {
  ...app("viewer", "console.html"),
  plugins: [
    {
      name: "porthole:operator",
      buildApp: async () => {
        await build({ configFile: false, ...OPERATOR });
      },
    },
  ],
} satisfies UserConfig;
