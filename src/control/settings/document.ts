import { SETTING_NAMES, SETTINGS } from "./table.ts";

/** docs/operations/settings.md, made from the table; a test keeps the file equal to it. */
export function settingsDocument(): string {
  const rows = SETTING_NAMES.map((name) => {
    const { fallback, description } = SETTINGS[name];
    return `| \`${name}\` | ${fallback === "" ? "(empty)" : `\`${fallback}\``} | ${description} |`;
  });
  return [
    "# Settings",
    "",
    "What the whole installation shares, in control's database. Administrators change settings while everything runs:",
    "`porthole setting list`, `porthole setting set NAME VALUE` (`add` and `remove` change single items of a list), or `PUT /api/v1/settings/NAME`. Nodes obey a change with",
    "their next report, within `consoleproxy.loadscan.interval`, and what `upstream.allow` newly allows with the next console that is opened there, where control answers its node within two seconds. This page is made from `src/control/settings/table.ts`.",
    "",
    "| setting | default | what it says |",
    "| --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}
