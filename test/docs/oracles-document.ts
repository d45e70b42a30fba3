import { BATTERY, type Row } from "../peers/oracles/battery.ts";
import { SERIAL_BATTERY } from "../peers/oracles/serial-battery.ts";
import { table } from "./markdown.ts";

/** docs/operations/nova-differences.md: what is said to a proxy for consoles, and what comes of it at three of them. */
export function oraclesDocument(): string {
  const groups = Object.entries(BATTERY).map(([about, rows]) => `## ${about}\n\n${tableOf(rows)}`);
  const lines = Object.entries(SERIAL_BATTERY).map(
    ([about, rows]) =>
      `### ${about}\n\n${table(
        ["what is said", "nova-serialproxy", "a node", "why"],
        rows.map(({ title, seen, why = "" }) => [title, ...seen, why]),
      )}`,
  );
  return `${[
    "# A node beside Nova's proxies and websockify",
    "<!-- Made from test/peers/oracles/battery.ts and serial-battery.ts: npx -c 'node test/docs/write.ts' -->",
    [
      "What was seen when the same was said to Debian's nova-novncproxy (26.2.2), to Debian's websockify (0.10.0) and to a node [in front of a Nova](nova.md); it is said again by",
      "`test/peers/oracles.test.ts`. Where a node does otherwise than Nova's proxy, the last column says why: that is on purpose.",
    ].join("\n"),
    [
      "`open`: the console's first bytes came, with the sub-protocol that was chosen. `101` and what follows: the WebSocket opened, and then that came in their place. `cut`: the",
      "connection ended without a word. `signed in`: RFB's handshake was gone through, and `refused in RFB` was said within it. Numbers alone are HTTP statuses.",
    ].join("\n"),
    ...groups,
    "## Serial lines",
    [
      "The same of Debian's nova-serialproxy (26.2.2) and a node, at `/serial` where a row does not say otherwise, as `test/peers/serial-oracles.test.ts` says it. `echoed`: what was",
      "typed came back from the line.",
    ].join("\n"),
    ...lines,
  ].join("\n\n")}\n`;
}

function tableOf(rows: readonly Row[]): string {
  return table(
    ["what is said", "nova-novncproxy", "websockify", "a node", "why"],
    rows.map(({ title, seen, why = "" }) => [title, ...seen, why]),
  );
}
