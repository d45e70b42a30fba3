import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type CommandLine, startCommandLine } from "../harness/command-line.ts";

interface Item {
  readonly id: string;
  readonly name: string;
  readonly [field: string]: unknown;
}

let line: CommandLine;
before(async () => {
  line = await startCommandLine();
});
after(async () => await line?.[Symbol.asyncDispose]());

describe("machines", () => {
  test("are added, listed, shown, changed and removed, by name or by id", async () => {
    const added = await line.json<Item>(
      "machine",
      "add",
      "db-1",
      "--protocol",
      "rfb",
      "--address",
      "127.0.0.1:5901",
    );
    assert.deepEqual(Object.keys(added), ["id"]);

    const listed = await line.json<Item[]>("machine", "list", "--search", "DB");
    const byName = await line.json<Item>("machine", "show", "db-1");
    const byId = await line.json<Item>("machine", "show", added.id);
    assert.deepEqual(listed, [byName]);
    assert.deepEqual(byId, byName);
    assert.equal(byName["address"], "127.0.0.1:5901");

    const changed = await line.json<Item>(
      ...["machine", "update", "db-1", "--name", "db-2", "--address", "127.0.0.1:5902", "--state", "stopped"],
    );
    assert.deepEqual(
      [changed.name, changed["address"], changed["state"]],
      ["db-2", "127.0.0.1:5902", "stopped"],
    );

    assert.deepEqual(await line.json<Item>("machine", "remove", "db-2"), { id: added.id });
    assert.equal((await line.porthole(["machine", "show", added.id])).status, 3);
  });

  test("of one name in two projects are told apart by --project", async () => {
    const project = await line.json<Item>("project", "add", "shop");
    const first = await line.json<Item>("machine", "add", "twin", "--address", "127.0.0.1:5901");
    const second = await line.json<Item>(
      "machine",
      "add",
      "twin",
      "--address",
      "127.0.0.1:5902",
      "--project",
      "shop",
    );

    const ambiguous = await line.porthole(["machine", "show", "twin"]);
    const told = await line.json<Item>("machine", "show", "twin", "--project", "shop");
    const listed = await line.json<Item[]>("machine", "list", "--project", project.id);

    assert.equal(ambiguous.status, 2);
    assert.match(ambiguous.err, /there are 2 machines named “twin”\nSay which by --project: .*shop/);
    assert.equal(told.id, second.id);
    assert.deepEqual(
      listed.map(({ id }) => id),
      [second.id],
    );
    assert.equal((await line.porthole(["project", "remove", "shop"])).status, 1, "it has machines");
    for (const { id } of [first, second]) await line.json("machine", "remove", id);
    assert.deepEqual(await line.json("project", "remove", "shop"), { id: project.id });
  });

  test("take their password from a file or from standard input, and never show it", async () => {
    const file = join(line.folder, "vnc.pw");
    writeFileSync(file, "from-file\n");

    const fromFile = await line.porthole([
      "machine",
      "add",
      "p1",
      "--address",
      "127.0.0.1:1",
      "--password-file",
      file,
    ]);
    const fromInput = await line.porthole(
      ["machine", "add", "p2", "--address", "127.0.0.1:1", "--password-file", "-"],
      {
        input: "from-input\n",
      },
    );
    const missing = await line.porthole([
      "machine",
      "add",
      "p3",
      "--address",
      "127.0.0.1:1",
      "--password-file",
      "none",
    ]);

    assert.deepEqual([fromFile.status, fromInput.status, missing.status], [0, 0, 2]);
    assert.match(missing.err, /^porthole: none: ENOENT/);
    const shown = await line.porthole(["machine", "show", "p1", "--json"]);
    assert.doesNotMatch(shown.out, /from-file|password/);
    for (const name of ["p1", "p2"]) await line.json("machine", "remove", name);
  });

  test("are a table for people, whole where the output is no terminal", async () => {
    const name = "a machine with a name that is longer than any terminal would want it to be";
    const { id } = await line.json<Item>("machine", "add", name, "--address", "127.0.0.1:5901");

    const { out } = await line.porthole(["machine", "list"]);

    const [head = "", row = ""] = out.split("\n");
    assert.match(head, /^NAME +PROJECT +STATE +ADDRESS +POOL +CREATED +ID$/);
    assert.match(
      row,
      new RegExp(`^${name} +\\S+ +unknown +127\\.0\\.0\\.1:5901 +default +\\d{4}-\\S+Z +${id}$`),
    );
    await line.json("machine", "remove", id);
  });
});

describe("consoles and sessions", () => {
  test("a console's link and its WebSocket are printed, the session is listed", async () => {
    await line.json("machine", "add", "screen", "--address", "127.0.0.1:5901");
    const extra = join(line.folder, "extra");
    writeFileSync(extra, "more\n");

    const opened = await line.json<{ url: string; websocket: Record<string, unknown> }>(
      ...["console", "open", "screen", "--view-only", "--extra-file", extra, "--caller-address", "127.0.0.1"],
    );
    const plain = await line.porthole(["console", "open", "screen"]);

    assert.deepEqual(Object.keys(opened), ["url", "websocket"]);
    assert.deepEqual(Object.keys(opened.websocket), ["host", "port", "path", "token"]);
    assert.ok(opened.url.startsWith(`${line.node.node}/p/`), opened.url);
    assert.match(opened.url, /#token=[\w.-]+&extra=more$/);
    assert.match(plain.out, /^http:\S+#token=\S+\n$/);
    assert.match(plain.err, /^It works once, until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(in \d+ \w+\)\.$/m);
    const sessions = await line.json<{ id: string; viewOnly: boolean; state: string }[]>(
      ...["session", "list", "--machine", "screen", "--state", "pending"],
    );
    assert.deepEqual(
      sessions.map(({ viewOnly }) => viewOnly),
      [false, true],
    );
    const shown = await line.porthole(["session", "show", sessions[1]?.id ?? ""]);
    assert.match(shown.out, /^RIGHTS +view only$/m);
    assert.match(
      (await line.porthole(["session", "list", "--limit", "1"])).err,
      /the newest 1; --limit shows more/,
    );
    await line.json("machine", "remove", "screen");
  });

  test("a stopped machine and an unknown one end with a status and the next thing to do", async () => {
    const { id } = await line.json<Item>("machine", "add", "off", "--address", "127.0.0.1:5901");
    await line.json("machine", "update", "off", "--state", "stopped");

    const stopped = await line.porthole(["console", "open", "off"]);
    const unknown = await line.porthole(["console", "open", "nothing"]);

    assert.equal(stopped.status, 5);
    assert.match(
      stopped.err,
      /^porthole: This machine is not running.*\nStart the machine, then open its console again\.\n/,
    );
    assert.equal(unknown.status, 3);
    assert.equal(
      unknown.err,
      "porthole: there is no machine “nothing”\n“porthole machine list” shows those that you may see.\n",
    );
    await line.json("machine", "remove", id);
  });
});

describe("accounts and keys", () => {
  test("a member acts with a key of its own, within its projects, until the key is withdrawn", async () => {
    await line.json("project", "add", "team");
    const machine = await line.json<Item>(
      "machine",
      "add",
      "ours",
      "--address",
      "127.0.0.1:5901",
      "--project",
      "team",
    );
    const other = await line.json<Item>("machine", "add", "theirs", "--address", "127.0.0.1:5901");
    const account = await line.json<Item>("account", "add", "eve", "--role", "member", "--project", "team");
    const keys = await line.json<{ apiKey: string; secretKey: string }>("api-key", "add", "--account", "eve");
    const env = { PORTHOLE_API_KEY: keys.apiKey, PORTHOLE_SECRET_KEY: keys.secretKey };

    const seen = await line.porthole(["machine", "list", "--json"], { env });
    const forbidden = await line.porthole(["setting", "list"], { env });
    const self = await line.porthole(["account", "show", "--json"], { env });

    assert.deepEqual(
      JSON.parse(seen.out).map(({ id }: Item) => id),
      [machine.id],
    );
    assert.equal(forbidden.status, 4);
    assert.equal(JSON.parse(self.out).id, account.id);
    const listed = await line.json<{ apiKey: string }[]>("api-key", "list", "--account", account.id);
    assert.deepEqual(
      listed.map(({ apiKey }) => apiKey),
      [keys.apiKey],
    );
    await line.json("api-key", "remove", keys.apiKey, "--account", "eve");
    const withdrawn = await line.porthole(["machine", "list"], { env });
    assert.equal(withdrawn.status, 4);
    assert.match(withdrawn.err, /Check the API key and its secret key/);

    await line.json("account", "remove", "eve");
    for (const { id } of [machine, other]) await line.json("machine", "remove", id);
    await line.json("project", "remove", "team");
  });

  test("a sign-in link signs in, once", async () => {
    const { url, expiresAt } = await line.json<{ url: string; expiresAt: string }>("account", "sign-in-link");
    const [origin = "", code = ""] = url.split("/#code=");
    const signIn = async () =>
      await fetch(`${origin}/api/v1/sign-in`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ code }),
      });

    assert.ok(Date.parse(expiresAt) > Date.now());
    assert.deepEqual([(await signIn()).status, (await signIn()).status], [204, 401]);
  });
});

describe("the installation", () => {
  test("settings are listed, read and set; a bad value is refused with its reason", async () => {
    const before_ = await line.json<{ value: string }>("setting", "get", "upstream.allow");
    const set = await line.porthole([
      "setting",
      "set",
      "upstream.allow",
      "127.0.0.0/8, 192.0.2.0/24:5900-5999",
    ]);
    const read = await line.porthole(["setting", "get", "upstream.allow"]);
    const bad = await line.porthole(["setting", "set", "upstream.allow", "nonsense"]);
    const unknown = await line.porthole(["setting", "get", "no.such"]);

    assert.equal(set.status, 0, set.err);
    assert.equal(read.out, "127.0.0.0/8, 192.0.2.0/24:5900-5999\n");
    assert.equal(bad.status, 2);
    assert.match(bad.err, /nonsense/);
    assert.equal(unknown.status, 3);
    assert.ok((await line.json<Item[]>("setting", "list")).length > 5);
    await line.json("setting", "set", "upstream.allow", before_.value);
  });

  test("nodes are listed, and join tokens made", async () => {
    const [first, ...others] = await line.json<{ id: string; agentState: string; pageOrigin: string }[]>(
      "node",
      "list",
    );
    const token = await line.json<{ token: string }>(
      "join-token",
      "create",
      "--uses",
      "2",
      "--expires-in",
      "60",
    );

    assert.deepEqual([first?.agentState, first?.pageOrigin, others.length], ["up", line.node.node, 0]);
    assert.match((await line.porthole(["node", "list"])).out, /^PAGES +FORWARD .*\n\S+ +127\.0\.0\.1:\d+ /);
    assert.match(token.token, /^[\w-]{43}\.[\w-]{32}$/);
  });

  test("public IP ranges are added, listed and removed; a bad one and an unknown one are told", async () => {
    const range = async (...args: string[]) => await line.porthole(["public-ip-range", ...args]);
    const { id } = await line.json<Item>("public-ip-range", "add", "203.0.113.0/28", "--pool", "north");
    await line.json<Item>("public-ip-range", "add", "2001:db8::/64");
    const overlapping = await range("add", "203.0.113.7");
    const bad = await range("add", "203.0.113.7/28");
    const unknown = await range("remove", "203.0.113.7");

    const { out } = await range("list");
    const removed = await range("remove", "203.0.113.1-203.0.113.14");

    assert.match(out, new RegExp(`^203\\.0\\.113\\.1-203\\.0\\.113\\.14 +north +0 +14 .*${id}$`, "m"));
    assert.match(out, /^2001:db8::1-2001:db8::ffff:ffff:ffff:ffff +default +0 +beyond count /m);
    assert.deepEqual([overlapping.status, bad.status, unknown.status, removed.status], [1, 2, 3, 0]);
    assert.match(overlapping.err, /203\.0\.113\.1-203\.0\.113\.14 of the pool north overlaps/);
    assert.match(bad.err, /write the network's own address/);
    assert.match(unknown.err, /“porthole public-ip-range list”/);
    await line.json("public-ip-range", "remove", "2001:db8::1-2001:db8::ffff:ffff:ffff:ffff");
  });

  test("a pool is named with a join token and with a machine, and told with nodes and machines", async () => {
    const create = ["join-token", "create", "--pool", "north"] as const;
    const before_ = Date.now();
    const token = await line.json<{ token: string; expiresAt: string }>(...create, "--expires", "12h");
    const bad = await line.porthole(["join-token", "create", "--pool", "The North"]);
    const unclear = await line.porthole([...create, "--expires", "soon"]);
    const twice = await line.porthole([...create, "--expires", "1h", "--expires-in", "60"]);
    const { id } = await line.json<{ id: string }>(
      ...["machine", "add", "polar", "--address", "192.0.2.1:5900", "--pool", "north"],
    );
    const pool = async () => (await line.json<{ pool: string }>("machine", "show", id)).pool;

    const hours = (Date.parse(token.expiresAt) - before_) / 3_600_000;
    assert.ok(hours >= 12 && hours < 12.5, token.expiresAt);
    assert.deepEqual([bad.status, unclear.status, twice.status], [2, 2, 2]);
    assert.match(unclear.err, /90s, 30m, 12h or 7d/);
    assert.equal(await pool(), "north");
    await line.json("machine", "update", "polar", "--pool", "default");
    assert.equal(await pool(), "default");
    const [node] = await line.json<{ pool: string }[]>("node", "list");
    assert.equal(node?.pool, "default");
    await line.json("machine", "remove", id);
  });
});

describe("the audit log", () => {
  test("is listed and exported, narrowed down by what was done to what", async () => {
    const { id } = await line.json<Item>("machine", "add", "audited", "--address", "127.0.0.1:5901");
    await line.json<Item>("machine", "remove", "audited");

    const listed = await line.json<Item[]>("audit", "list", "--object", id, "--from", "2026-01-01T00:00:00Z");
    const { status, out } = await line.porthole(["audit", "export", "--object", id]);

    assert.equal(status, 0);
    const exported: Item[] = out
      .trimEnd()
      .split("\n")
      .map((row) => JSON.parse(row));
    assert.deepEqual(
      listed.map((row) => [row["action"], row["result"], row["account"], row["api"]]),
      [
        ["machine.remove", "ok", "admin", "native"],
        ["machine.add", "ok", "admin", "native"],
      ],
    );
    assert.deepEqual(exported, listed.toReversed());
  });

  test("takes actions of the list and times that are times, and nothing else", async () => {
    for (const bad of [
      ["--action", "guess"],
      ["--from", "yesterday"],
      ["--limit", "0"],
    ])
      assert.equal((await line.porthole(["audit", "list", ...bad])).status, 2, bad.join(" "));
  });
});
