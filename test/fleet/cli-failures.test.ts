import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createConsoleEndpoint } from "../../examples/open-console.ts";
import { type CommandLine, run, startCommandLine } from "../harness/command-line.ts";
import { LOOPBACK } from "../harness/free-port.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/open-console.ts", import.meta.url));

let line: CommandLine;
before(async () => {
  line = await startCommandLine();
});
after(async () => await line?.[Symbol.asyncDispose]());

describe("the configuration", () => {
  test("comes from the environment before a file, and from ./data/cli.toml where no file is named", async () => {
    const wrong = await line.porthole(["machine", "list"], { env: { PORTHOLE_SECRET_KEY: "wrong" } });
    const byFlag = await line.porthole(["machine", "list", "--config", line.config], {
      env: { PORTHOLE_CONFIG: "none" },
    });
    const nowhere = await line.porthole(["machine", "list"], {
      env: { PORTHOLE_CONFIG: "", XDG_CONFIG_HOME: line.folder },
    });
    const all = {
      PORTHOLE_URL: line.control.control,
      PORTHOLE_API_KEY: line.control.apiKey,
      PORTHOLE_SECRET_KEY: line.control.secretKey,
    };
    const onlyEnvironment = await line.porthole(["machine", "list"], {
      env: { ...all, PORTHOLE_CONFIG: "" },
    });

    assert.equal(wrong.status, 4, wrong.err);
    assert.equal(byFlag.status, 0, byFlag.err);
    assert.equal(nowhere.status, 2);
    assert.match(nowhere.err, /no configuration was found.*Run “npm start” here/);
    assert.equal(onlyEnvironment.status, 0, onlyEnvironment.err);
  });

  test("a file that others can read is warned of, on standard error", async () => {
    const open = join(line.folder, "open.toml");
    writeFileSync(open, readFileSync(line.config));
    chmodSync(open, 0o644);

    const { status, out, err } = await line.porthole(["machine", "list", "--json", "--config", open]);

    assert.equal(status, 0);
    assert.deepEqual(JSON.parse(out), []);
    assert.match(err, /warning: .*open\.toml can be read by others\. Mend it: chmod 600 /);
  });
});

describe("what goes wrong", () => {
  test("wrong commands, options and values are usage, and say where help is", async () => {
    for (const args of [
      ["machin", "list"],
      ["machine", "add", "x"],
      ["machine", "add", "x", "--address", "127.0.0.1:1", "--protocol", "telnet"],
      ["machine", "update", "x"],
      ["session", "list", "--limit", "many"],
      ["machine", "list", "--nonsense"],
      ["machine", "add", "x", "--address", "no port"],
    ]) {
      const { status, out, err } = await line.porthole(args);

      assert.equal(status, 2, args.join(" "));
      assert.notEqual(err, "");
      assert.equal(out, "");
    }
    assert.match((await line.porthole(["machin", "list"])).err, /Did you mean machine\?/);
  });

  for (const [args, message] of [
    [["machine", "add", "x"], /--address/],
    [["machine", "frobnicate"], /unknown command 'frobnicate'/],
    [["machine", "list", "--nope"], /unknown option '--nope'/],
    [["machine"], /a command is missing/],
  ] as const) {
    test(`with --json “porthole ${args.join(" ")}” says in JSON alone what is wrong with it`, async () => {
      const { status, out, err } = await line.porthole([...args, "--json"]);

      assert.deepEqual([status, out], [2, ""]);
      const { error } = JSON.parse(err);
      assert.equal(error.code, "usage");
      assert.match(error.message, message);
      assert.match(error.remedy, /--help/);
    });
  }

  test("with --json an error is JSON too, on standard error", async () => {
    const { status, out, err } = await line.porthole(["machine", "show", "nothing", "--json"]);

    assert.equal(status, 3);
    assert.equal(out, "");
    assert.deepEqual(JSON.parse(err).error.message, "there is no machine “nothing”");
  });

  test("a control that is not there, or is something else, has a status of its own", async () => {
    const other = createServer((_request, response) => response.end("<html>hello</html>")).listen(
      0,
      LOOPBACK,
    );
    await once(other, "listening");
    const address = other.address();
    assert.ok(address !== null && typeof address === "object");
    const env = { PORTHOLE_URL: `http://${LOOPBACK}:${address.port}` };

    const html = await line.porthole(["machine", "list"], { env });
    other.close();
    other.closeAllConnections();
    const gone = await line.porthole(["machine", "list"], { env });

    assert.equal(html.status, 1);
    assert.match(html.err, /does not speak this version of Porthole's API/);
    assert.equal(gone.status, 5);
    assert.match(gone.err, /cannot be reached: the connection was refused\nSee whether control runs there/);
  });

  test("help and version need no configuration and end with success", async () => {
    const env = { PORTHOLE_CONFIG: "none" };

    for (const args of [[], ["--help"], ["machine", "--help"], ["machine", "add", "--help"], ["--version"]]) {
      const { status, out, err } = await line.porthole(args, { env });

      assert.equal(status, 0, err);
      assert.notEqual(out, "");
      assert.equal(err, "");
    }
  });
});

describe("the example of a portal", () => {
  test("asks for a console by CloudStack's API and prints its address", async () => {
    const { id } = await line.json<{ readonly id: string }>(
      "machine",
      "add",
      "portal",
      "--address",
      "127.0.0.1:5901",
    );
    const keyFile = join(line.folder, "secret-key");
    writeFileSync(keyFile, `${line.control.secretKey}\n`);

    const printed = await run([EXAMPLE, line.control.control, line.control.apiKey, keyFile, id], {});
    const portal = {
      endpoint: line.control.control,
      apiKey: line.control.apiKey,
      secretKey: line.control.secretKey,
    };
    const called = await createConsoleEndpoint(portal, { machineId: id, extraToken: "x" });
    await line.json("machine", "update", id, "--state", "stopped");
    const stopped = await run([EXAMPLE, line.control.control, line.control.apiKey, keyFile, id], {});

    assert.equal(printed.status, 0, printed.err);
    assert.match(printed.out, /^http:\/\/127\.0\.0\.1:\d+\/p\/\S+#token=\S+\n$/);
    assert.equal(called.success, true);
    assert.equal(called.websocket?.extra, "x");
    assert.equal(stopped.status, 1);
    assert.match(stopped.err, /must be running/);
    await assert.rejects(
      createConsoleEndpoint({ ...portal, secretKey: "wrong" }, { machineId: id }),
      /unable to verify user credentials/,
    );
    await line.json("machine", "remove", id);
  });
});
