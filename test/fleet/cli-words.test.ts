import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type CommandLine, startCommandLine } from "../harness/command-line.ts";
import { eventually } from "../harness/eventually.ts";

let line: CommandLine;
before(async () => {
  line = await startCommandLine();
});
after(async () => await line?.[Symbol.asyncDispose]());

test("an address without its port is told so, with every form there is, and nobody is sent to the API's documentation", async () => {
  const { status, err } = await line.porthole(["machine", "add", "x", "--address", "127.0.0.1"]);

  assert.equal(status, 2);
  assert.match(err, /the port is missing: it must be HOST:PORT, .* ws:\/\/HOST:PORT\/PATH/);
  assert.match(err, /--help/);
  assert.doesNotMatch(err, /openapi/);
});

test("a member without a project is told to see nothing, with what gives it one", async () => {
  const lonely = await line.porthole(["account", "add", "eve"]);
  const placed = await line.porthole(["account", "add", "bob", "--project", "default"]);
  const advised = /porthole (account update \S+ --project) PROJECT/.exec(lonely.err)?.[1] ?? "";
  const given = await line.porthole([...advised.split(" "), "default"]);

  assert.match(lonely.err, /It belongs to no project, so it sees no machine\./);
  assert.doesNotMatch(placed.err, /no project/);
  assert.equal(given.status, 0, given.err);
});

test("a table has its longest cells whole where the output is no terminal", async () => {
  const { out } = await line.porthole(["setting", "list"]);
  const settings = await line.json<{ readonly description: string }[]>("setting", "list");

  const longest = settings.map(({ description }) => description).sort((a, b) => b.length - a.length)[0] ?? "";
  assert.ok(longest.length > 300);
  assert.ok(out.includes(longest), longest);
});

test("a session that failed is shown in words, with the names of its project and its node", async () => {
  const { id } = await line.json<{ id: string }>("machine", "add", "far", "--address", "192.0.2.1:5900");
  const { websocket } = await line.json<{
    websocket: { host: string; port: string; path: string; token: string };
  }>(...["console", "open", "far"]);
  const fields = new URLSearchParams({ token: websocket.token });
  const place = new URL(websocket.path, `ws://${websocket.host}:${websocket.port}/`);
  place.search = `${fields}`;
  const pending = await line.json<{ id: string }[]>("session", "list");
  const listed = await line.porthole(["session", "list"]);

  const viewer = new WebSocket(place, "porthole.v1");
  const shown = await eventually(async () => {
    const { out } = await line.porthole(["session", "show", pending[0]?.id ?? ""]);
    assert.match(out, /^STATE +ended$/m);
    return out;
  });
  viewer.close();

  assert.match(listed.out, /^far .* – +– +\S+$/m, "nothing is known of what it carried");
  assert.match(shown, /^ENDING +refused upstream_not_allowed/m);
  assert.match(shown, /^MEANING +The machine's console address lies outside the networks/m);
  assert.match(shown, /^FAILED AT +connect$/m);
  assert.match(shown, /^PROJECT +default \([\w-]{36}\)$/m);
  assert.match(shown, new RegExp(`^NODE +${line.node.node} \\([\\w-]{36}\\)$`, "m"));
  const said = line.node.process.stderr.text;
  assert.match(said, /"level":40.*192\.0\.2\.1 port 5900: .*upstream\.allow.*"msg":"Session ended"/);
  await line.json("machine", "remove", id);
});

test("a member is shown their own session, with the names that are theirs to see", async () => {
  await line.json("machine", "add", "near", "--address", "192.0.2.1:5900");
  const { id: ida } = await line.json<{ id: string }>("account", "add", "ida", "--project", "default");
  const keys = await line.json<{ apiKey: string; secretKey: string }>("api-key", "add", "--account", ida);
  const env = { PORTHOLE_API_KEY: keys.apiKey, PORTHOLE_SECRET_KEY: keys.secretKey };
  await line.porthole(["console", "open", "near"], { env });
  const [session] = JSON.parse((await line.porthole(["session", "list", "--json"], { env })).out);

  const { status, out, err } = await line.porthole(["session", "show", session.id], { env });

  assert.equal(status, 0, err);
  assert.match(out, /^ACCOUNT +ida$/m);
  assert.match(out, /^PROJECT +default \([\w-]{36}\)$/m);
  assert.match(out, /^NODE +[\w-]{36}$/m, "where nodes are is for administrators");
});

test("control without a database says every way to name one", async () => {
  const key = join(line.folder, "k");
  writeFileSync(key, "");

  const { status, err } = await line.porthole(["control", "--key-file", key]);

  assert.equal(status, 2);
  assert.match(err, /--data .*PORTHOLE_DATABASE or --database-url-file/);
});
