import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Setting } from "#wire/api.ts";
import { type CommandLine, startCommandLine } from "../harness/command-line.ts";
import { eventually } from "../harness/eventually.ts";
import { startNode } from "../harness/porthole.ts";
import { startRival } from "../harness/rival.ts";

let line: CommandLine;
before(async () => {
  line = await startCommandLine();
});
after(async () => await line?.[Symbol.asyncDispose]());

describe("settings that are lists", () => {
  test("one item is added to a list or taken out of it, and the others stay", async () => {
    const items = async () => (await line.porthole(["setting", "get", "upstream.allow"])).out.trim();
    const setting = async (...args: string[]) => await line.porthole(["setting", ...args]);
    const before_ = await items();
    await line.json("setting", "set", "upstream.allow", "127.0.0.0/8");

    const added = await setting("add", "upstream.allow", "192.0.2.0/24:5900-5999", "127.0.0.0/8,::1");
    const all = await items();
    const removed = await setting("remove", "upstream.allow", "192.0.2.0/24:5900-5999");
    const left = await items();
    const bad = await setting("add", "upstream.allow", "nonsense");
    const absent = await setting("remove", "upstream.allow", "192.0.2.0/24");
    const noList = await setting("add", "console.idle.timeout", "1");
    const replaced = await setting("set", "upstream.allow", "::1");
    await line.json("setting", "set", "upstream.allow", before_);

    assert.equal(added.out, "upstream.allow = 127.0.0.0/8, 192.0.2.0/24:5900-5999, ::1\n", added.err);
    assert.equal(all, "127.0.0.0/8, 192.0.2.0/24:5900-5999, ::1");
    assert.deepEqual([removed.status, left], [0, "127.0.0.0/8, ::1"]);
    assert.deepEqual([bad.status, absent.status, noList.status], [2, 3, 2]);
    assert.match(absent.err, /192\.0\.2\.0\/24 is not in upstream\.allow\nIn it: 127\.0\.0\.0\/8, ::1\./);
    assert.match(replaced.err, /No longer in it: 127\.0\.0\.0\/8\. “porthole setting add”/);
  });

  test("of two who change a list at once neither undoes the other, and who is outrun each time is told to run it again", async () => {
    const { api, control } = line.control;
    const put = async (value: string) => await api.call("PUT", "settings/console.allowed.origins", { value });
    let others = 0;
    let atMost = 1;
    await using rival = await startRival(control, {
      method: "PUT",
      act: async () => {
        if (others === atMost) return;
        const { items } = await api.call<{ items: Setting[] }>("GET", "settings");
        const now = items.find(({ name }) => name === "console.allowed.origins")?.value ?? "";
        others += 1;
        await put([...(now === "" ? [] : [now]), `https://other-${others}.example`].join(", "));
      },
    });
    const outrun = async (...args: string[]) =>
      await line.porthole(["setting", args[0] ?? "", "console.allowed.origins", ...args.slice(1)], {
        env: { PORTHOLE_URL: rival.url },
      });

    const added = await outrun("add", "https://mine.example");
    atMost = 2;
    const removed = await outrun("remove", "https://mine.example");
    atMost = Number.POSITIVE_INFINITY;
    const never = await outrun("add", "https://mine.example");
    await put("");

    assert.equal(
      added.out,
      "console.allowed.origins = https://other-1.example, https://mine.example\n",
      added.err,
    );
    assert.equal(
      removed.out,
      "console.allowed.origins = https://other-1.example, https://other-2.example\n",
      removed.err,
    );
    assert.deepEqual([never.status, never.out, others], [5, "", 7]);
    assert.match(
      never.err,
      /console\.allowed\.origins was set by others 5 times meanwhile.*\nRun it again\./,
    );
  });

  test("who says no item is told so, and nothing is set", async () => {
    const before = await line.json<Setting>("setting", "get", "upstream.allow");

    const added = await line.porthole(["setting", "add", "upstream.allow", ""]);
    const removed = await line.porthole(["setting", "remove", "upstream.allow", " , "]);

    assert.deepEqual([added.status, removed.status], [2, 2]);
    assert.match(added.err, /no item is said/);
    assert.deepEqual(await line.json<Setting>("setting", "get", "upstream.allow"), before);
  });
});

describe("front proxies", () => {
  test("a front proxy's configuration has the names of the installation, or those that are said", async () => {
    const own = await line.porthole(["front-proxy", "nginx", "--name", "console.test"]);
    const nameless = await line.porthole(["front-proxy", "nginx"]);
    const said = ["--name", "console.test", "--node", "10.0.0.1:80", "--node", "[fd00::1]:80"];
    const elsewhere = await line.porthole(["front-proxy", "haproxy", ...said]);
    const wrong = await line.porthole([
      "front-proxy",
      "caddy",
      "--name",
      "console.test",
      "--node",
      "10.0.0.1",
    ]);
    const nobody = await line.porthole(["front-proxy", "caddy", "--name", "a.test", "--pool", "nowhere"]);

    assert.match(own.out, new RegExp(`server ${new URL(line.node.node).host};`));
    assert.match(own.out, /server_name console\.test;/);
    assert.match(elsewhere.out, /server node1 10\.0\.0\.1:80 check\n {2}server node2 \[fd00::1\]:80 check/);
    assert.deepEqual(
      [nameless, wrong, nobody].map(({ status }) => status),
      [2, 2, 2],
    );
    assert.match(nameless.err, /consoleproxy\.url\.domain is not set\n.*--name/);
    assert.match(nobody.err, /--node HOST:PORT/);
  });

  test("of nodes behind a proxy that ends TLS, their own addresses are asked for, and TLS is not blamed", async () => {
    const behind = ["--public-url", "https://console.test:8443", "--behind-proxy"];
    const { token } = await line.json<{ token: string }>(
      "join-token",
      "create",
      "--pool",
      "behind",
      "--uses",
      "2",
    );
    await using _a = await startNode({ ...line.control, joinToken: token }, { args: behind });
    await using _b = await startNode({ ...line.control, joinToken: token }, { args: behind });
    const asked = ["front-proxy", "nginx", "--name", "console.test", "--pool", "behind"];

    const untold = await line.porthole(asked);
    const told = await line.porthole([...asked, "--node", "10.0.0.11:8080", "--node", "10.0.0.12:8080"]);

    assert.equal(untold.status, 2);
    assert.match(untold.err, /cannot be told from here\nSay it with --node HOST:PORT/);
    assert.doesNotMatch(untold.err, /TLS|sslEnabled/);
    assert.match(told.out, /server 10\.0\.0\.11:8080;\n {2}server 10\.0\.0\.12:8080;/);
  });

  test("of nodes that serve TLS themselves it is said that a front proxy would speak plain HTTP to them", async () => {
    await line.json("setting", "set", "consoleproxy.sslEnabled", "true");
    const refused = await eventually(async () => {
      const { status, err } = await line.porthole(["front-proxy", "nginx", "--name", "console.test"]);
      assert.equal(status, 2);
      return err;
    });
    await line.json("setting", "set", "consoleproxy.sslEnabled", "false");

    assert.match(refused, /pool default serve TLS.*\n.*consoleproxy\.sslEnabled to false.*--node/);
  });
});
