import assert from "node:assert/strict";
import { test } from "node:test";
import { closeNames } from "./close-names.ts";

const NAMES = [
  "upstream.allow",
  "console.allowed.origins",
  "console.ticket.lifetime.cloudstack",
  "console.ticket.lifetime.native",
  "console.ticket.lifetime.web",
  "session.lost.timeout",
];

for (const [said, meant] of [
  ["upstream.alow", ["upstream.allow"]],
  ["Upstream-Allow", ["upstream.allow"]],
  ["origins", ["console.allowed.origins"]],
  ["sessions.lost.timeout", ["session.lost.timeout"]],
  ["ticket.web", ["console.ticket.lifetime.web"]],
  [
    "console.ticket.lifetime",
    ["console.ticket.lifetime.web", "console.ticket.lifetime.native", "console.ticket.lifetime.cloudstack"],
  ],
  ["frobnicate", []],
  ["…", []],
] as const)
  test(`“${said}” is close to ${meant.length === 0 ? "nothing" : meant.join(", ")}`, () => {
    assert.deepEqual(closeNames(said, NAMES), meant);
  });
