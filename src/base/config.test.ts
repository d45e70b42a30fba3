import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ConfigError,
  type ConfigSources,
  flag,
  formatHostPort,
  hostPort,
  list,
  origin,
  readConfig,
  text,
} from "./config.ts";

const FIELDS = {
  listen: { env: "P_LISTEN", doc: "where to listen", placeholder: "HOST:PORT", parse: hostPort },
  dataDirectory: {
    env: "P_DATA",
    doc: "where data lies",
    placeholder: "DIR",
    parse: text,
    fallback: "./data",
  },
  publicUrl: {
    env: "P_PUBLIC",
    doc: "the public origin",
    placeholder: "ORIGIN",
    parse: origin,
    fallback: null,
  },
  json: { env: "P_JSON", doc: "machine-readable", parse: flag, fallback: false },
} as const;

function sources(given: Partial<ConfigSources>): ConfigSources {
  return { flags: {}, env: {}, file: {}, ...given };
}

test("a flag wins over the environment, the environment over the file, the file over the fallback", () => {
  const file = { "data-directory": "from-file", listen: "127.0.0.1:1" };
  const env = { P_DATA: "from-env" };
  const flags = { "data-directory": "from-flag" };

  assert.equal(readConfig(FIELDS, sources({ file, env, flags })).dataDirectory, "from-flag");
  assert.equal(readConfig(FIELDS, sources({ file, env })).dataDirectory, "from-env");
  assert.equal(readConfig(FIELDS, sources({ file })).dataDirectory, "from-file");
  assert.equal(readConfig(FIELDS, sources({ flags: { listen: "a:1" } })).dataDirectory, "./data");
});

test("every problem is reported at once, by the name under which it was given", () => {
  const bad = sources({ flags: { json: "maybe" }, env: { P_PUBLIC: "ftp://x" }, file: { lisen: "x" } });

  assert.throws(
    () => readConfig(FIELDS, bad),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      const words = error.problems.join("\n");
      assert.equal(error.problems.length, 4);
      for (const name of ["lisen", "--listen", "P_PUBLIC", "--json"]) assert.ok(words.includes(name), name);
      return true;
    },
  );
});

test("hosts and ports are read, and written as they are read", () => {
  for (const good of ["127.0.0.1:0", "[::1]:8000", "proxy.example.com:65535"]) {
    assert.equal(formatHostPort(hostPort(good)), good);
  }
  for (const bad of ["", "host", "host:", ":80", "host:65536", "::1:80", "a b:1", "http://x:1", "user@x:1"]) {
    assert.throws(() => hostPort(bad), /HOST:PORT/, bad);
  }
});

test("an origin has no path, query, fragment or user", () => {
  assert.equal(origin("https://Console.Example.com:443"), "https://console.example.com");
  for (const bad of [
    "console.example.com",
    "https://a/b",
    "https://a?x",
    "https://u@a",
    "ws://a",
    "https://a#f",
  ]) {
    assert.throws(() => origin(bad), /origin/, bad);
  }
});

test("a list forgives spaces and empty items", () => {
  assert.deepEqual(list(text)(" a, b,,c "), ["a", "b", "c"]);
  assert.deepEqual(list(text)(""), []);
});
