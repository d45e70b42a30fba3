import type { Command } from "commander";
import { DnsZone } from "#wire/api.ts";
import { action, type CliContext, type Invocation } from "../invocation.ts";

/** The names of console nodes. */
export function dnsCommands(program: Command, context: CliContext): void {
  const dns = program.command("dns").description("The names under which browsers find console nodes");
  dns
    .command("zone")
    .description("Print the zone of consoleproxy.url.domain as a zone file, for name servers of your own")
    .option(
      "--range <range>",
      "with the names of all addresses of a network, such as 203.0.113.0/24, or of FIRST-LAST",
    )
    .action(action(context, zone));
}

async function zone({ api, output }: Invocation, { range }: { readonly range?: string }): Promise<void> {
  const found = await api.call({ method: "GET", path: ["dns-zone"], query: { range }, answer: DnsZone });
  output.result(found, found.zone.trimEnd());
}
