import assert from "node:assert/strict";
import { test } from "node:test";
import { welcome } from "./welcome.ts";

const LINK = "http://127.0.0.1:8000/#code=c";

test("whoever starts it is told one address, how the command line finds it, and how it is stopped", () => {
  const running = { link: LINK, nova: undefined, novaOpen: false };

  assert.equal(
    welcome({ ...running, data: "data" }),
    `\nPorthole runs. Open this address; it signs you in, once:\n\n  ${LINK}\n\n` +
      "The command line, in a second terminal: npm run -s porthole -- machine list\nCtrl-C stops everything.\n",
  );
  assert.match(welcome({ ...running, data: "other" }), / machine list --config other\/cli\.toml\n/);
});

test("it is said where OpenStack's clients go, and that everybody may where that is so", () => {
  const running = { link: LINK, nova: "http://127.0.0.1:8774", data: "data" };
  const open = /everybody on this machine acts at that Nova's API as the administrator\.\n/;

  assert.match(welcome({ ...running, novaOpen: false }), /Nova's API at http:\/\/127\.0\.0\.1:8774\/v2\.1, /);
  assert.doesNotMatch(welcome({ ...running, novaOpen: false }), open);
  assert.match(welcome({ ...running, novaOpen: true }), open);
});
