import { join } from "node:path";

interface Running {
  /** It signs the administrator in. */
  readonly link: string;
  /** As it was named. */
  readonly data: string;
  /** The origin of the Nova API's own port, where it has one. */
  readonly nova: string | undefined;
  readonly novaOpen: boolean;
}

/** What whoever started it in a terminal is told when everything runs. */
export function welcome({ link, data, nova, novaOpen }: Running): string {
  const keys = join(data, "cli.toml");
  const file = data === "data" ? "" : ` --config ${keys}`;
  const openStack =
    nova === undefined
      ? []
      : [
          `OpenStack's clients: Nova's API at ${nova}/v2.1, Keystone's at ${nova}/identity/v3; their keys are in ${keys}`,
        ];
  const open = novaOpen
    ? ["With --os-auth-type none everybody on this machine acts at that Nova's API as the administrator."]
    : [];
  return [
    "\nPorthole runs. Open this address; it signs you in, once:\n",
    `  ${link}\n`,
    ...openStack,
    ...open,
    `The command line, in a second terminal: npm run -s porthole -- machine list${file}`,
    "Ctrl-C stops everything.\n",
  ].join("\n");
}
