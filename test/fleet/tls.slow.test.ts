import { test } from "node:test";
import { changeUnder, openInstallation } from "../harness/tls-installation.ts";

test("with 200 consoles open certificates change ten times: none closes", async () => {
  await using at = await openInstallation({ args: ["--max-sessions", "400"] });

  await changeUnder(at, { sessions: 200, changes: 10 });
});
