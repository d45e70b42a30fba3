import { BATTERY, type Row } from "../peers/oracles/battery.ts";
import { table } from "./markdown.ts";

/** docs/operations/nova-differences.md: what is said to a proxy for consoles, and what comes of it at three of them. */
export function oraclesDocument(): string {
  const groups = Object.entries(BATTERY).map(([about, rows]) => `## ${about}\n\n${tableOf(rows)}`);
  return `${[
    "# A node beside Nova's proxy and websockify",
    "<!-- Made from test/peers/oracles/battery.ts: npx -c 'node test/docs/write.ts' -->",
    [
      "What was seen when the same was said to Debian's nova-novncproxy (26.2.2), to Debian's websockify (0.10.0) and to a node [in front of a Nova](nova.md); it is said again by",
      "`test/peers/oracles.test.ts`. Where a node does otherwise than Nova's proxy, the last column says why: that is on purpose.",
    ].join("\n"),
    [
      "`open`: the console's first bytes came, with the sub-protocol that was chosen. `101` and what follows: the WebSocket opened, and then that came in their place. `cut`: the",
      "connection ended without a word. `signed in`: RFB's handshake was gone through, and `refused in RFB` was said within it. Numbers alone are HTTP statuses.",
    ].join("\n"),
    ...groups,
  ].join("\n\n")}\n`;
}

function tableOf(rows: readonly Row[]): string {
  return table(
    ["what is said", "nova-novncproxy", "websockify", "a node", "why"],
    rows.map(({ title, seen, why = "" }) => [title, ...seen, why]),
  );
}
