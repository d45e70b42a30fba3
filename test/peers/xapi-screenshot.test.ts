import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startCommandLine } from "../harness/command-line.ts";
import { eventually } from "../harness/eventually.ts";
import { scratch } from "../harness/scratch.ts";
import { ACCOUNTS, startXapi } from "../harness/xapi/pool.ts";
import { SCREEN } from "../harness/xapi/screen.ts";

test("what a machine of XenServer's shows is saved as the JPEG that it is, and that is said", async () => {
  await using folder = scratch();
  const file = (name: string) => join(folder.path, name);
  await using pool = await startXapi();
  pool.add({ name: "web" });
  writeFileSync(file("ca.pem"), pool.authority.pem);
  writeFileSync(file("password"), ACCOUNTS.console.password);
  await using line = await startCommandLine();
  const known = ["--username", "console", "--secret-file", file("password"), "--ca-file", file("ca.pem")];
  const place = ["--platform", "xenserver", "--address", pool.address, "--project", "default"];
  await line.json("hypervisor", "add", "pool7", ...place, ...known);
  await eventually(async () => assert.match((await line.porthole(["machine", "list"])).out, /^web /m));

  const saved = await line.porthole(["machine", "screenshot", "web", "--output", file("web.jpg")]);

  assert.equal(saved.out, `The screen of “web” is in ${file("web.jpg")}, as a JPEG.\n`);
  assert.deepEqual(readFileSync(file("web.jpg")), SCREEN);
});
