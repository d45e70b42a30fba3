import { FINDING_NAMES, FINDINGS } from "#wire/findings.ts";
import { CHECK_NAMES, CHECKS, selfCheckLimits } from "#wire/self-check.ts";
import { code, table } from "./markdown.ts";

/** docs/operations/doctor.md: the self-check, with the catalogue of what it can find. */
export function doctorDocument(): string {
  return `${[
    "# When consoles do not open",
    "<!-- Made from src/wire/findings.ts and src/wire/self-check.ts: npx -c 'node test/docs/write.ts' -->",
    ["```", "porthole doctor [--node ID] [--resolver HOST:PORT] [--json]", "```"].join("\n"),
    [
      "looks at everything that a console needs, from three sides: from control, from the nodes, and from where it runs, which goes the way",
      "of a browser up to where a ticket would be needed. So run it where the people are whose consoles do not open. Every line says what",
      "was seen, and, where something is not as it should be, what that is and what to do. It changes nothing, and needs an",
      "administrator's API key.",
    ].join("\n"),
    [
      "The exit status is 0 where nothing fails, warnings or not, and 6 where something does: [cli.md](../cli.md#exit-status). With `--json` it",
      'prints `{"summary", "lines"}`; each line has `check`, `subject`, `nodeId`, `result`, `finding`, `message`, `remedy` and `facts`, and codes stay',
      "what they are from version to version.",
    ].join("\n"),
    "## What is looked at",
    table(
      ["check", "what"],
      CHECK_NAMES.map((check) => [code(check), CHECKS[check]]),
    ),
    [
      `Of many nodes ${selfCheckLimits.nodes} are looked at, those first that are not up or cannot load their certificate, and a line says how many were left`,
      `out: \`--node ID\` looks at one by itself. Of many hypervisors a node tries ${selfCheckLimits.hypervisors}, others each time. Of several nodes each line says which`,
      "one it is of. Each step has a time of some seconds, and who does not answer in it is told as silent.",
    ].join("\n"),
    [
      "**The way of a browser.** The name is resolved by the system (or by `--resolver`, such as Porthole's own name server before the domain is",
      "delegated), TLS is judged by the certificates of Mozilla and of the system, the console's page is fetched, and the WebSocket is",
      "opened without a ticket: the node's own refusal proves that it passes whatever stands in front. Where a certificate is not trusted, it",
      "says why and goes on, so that what is behind it is found in the same run.",
    ].join("\n"),
    [
      "**From the nodes.** Control asks each node that is up over its link to resolve its own name, to come to its own entrance as a browser",
      "does, and to connect to one screen of each hypervisor of its pool, under the same rules as for a console (`upstream.allow`). Nothing is said",
      "to a screen and no password is used: that something speaks RFB there is seen by its first bytes. A VNC server that counts",
      "connections without a sign-in, as TigerVNC's does, counts these. Who asks while a node looks, or within ten seconds, is told the same.",
    ].join("\n"),
    [
      "**What proxies say.** For ten minutes after a run a node tells whoever has the run's token how a request reached it: whose it takes it for,",
      "and who connected. So a front proxy that sends no `X-Forwarded-For`, or is not trusted, is found before a ticket is refused for it.",
    ].join("\n"),
    "## The page",
    [
      "Administrators have the same in control's page, under *Self-check*: there the browser itself goes to the nodes, which is what people's",
      "browsers do. It is not told why something fails, and so cannot say; the command line can. The page has to be opened at control's own",
      "address (`--public-url`), since nodes answer pages of no other origin that is not in `console.allowed.origins`.",
    ].join("\n"),
    [
      "**Local Network Access.** Chromium and browsers made of it ask people before a page of a public address may reach a private one: from version",
      "142 on for requests and frames, from 147 on for WebSockets. The permission is called `local-network`, for the machine itself",
      "`loopback-network`, and `local-network-access` before version 145. Only pages with TLS may ask. A console in a tab of its own is at the",
      "node's own address and needs no leave; what does are consoles that a portal at a public address shows in a frame, which then needs",
      '`allow="local-network; loopback-network; local-network-access"`, and pages that come from a public address while the WebSocket is at a private',
      "one. Administrators of managed browsers allow it by the policy `LocalNetworkAccessAllowedForUrls`.",
    ].join("\n"),
    "## What is found",
    table(
      ["finding", "result", "meaning", "what to do"],
      FINDING_NAMES.map((finding) => {
        const { result, meaning, remedy } = FINDINGS[finding];
        return [code(finding), result, meaning, remedy];
      }),
    ),
  ].join("\n\n")}\n`;
}
