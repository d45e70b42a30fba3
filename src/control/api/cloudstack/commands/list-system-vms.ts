import type { Fields } from "../answer.ts";
import type { Command, CommandContext } from "../command.ts";
import { listFields, windowOf } from "../paging.ts";
import { textOf } from "../parameters.ts";
import { systemVm } from "../system-vm.ts";

const NAME = "listSystemVms";

/**
 * The console nodes, as system VMs of the type `consoleproxy`: by `id`, `name`, `keyword`, `state`, `systemvmtype`, and by
 * `page` with `pagesize`. Of other types there are none.
 */
export const listSystemVms: Command = { name: NAME, access: "administrators", changesState: false, run };

async function run({ services, caller, parameters }: CommandContext): Promise<Fields> {
  const { first, size } = windowOf(NAME, parameters);
  const wanted = (name: string) => textOf(parameters, name)?.toLowerCase();
  const type = wanted("systemvmtype") ?? "consoleproxy";
  const keyword = wanted("keyword") ?? "";
  const nodes = type === "consoleproxy" ? await services.nodes.list(caller) : [];
  const found = nodes
    .map(systemVm)
    .filter(
      ({ id, name, state }) =>
        (wanted("id") ?? id) === id &&
        fits(wanted("name"), name) &&
        fits(wanted("state"), state) &&
        String(name).toLowerCase().includes(keyword),
    );
  return listFields("systemvm", { count: found.length, items: found.slice(first, first + size) }, (vm) => vm);
}

function fits(wanted: string | undefined, value: Fields[string]): boolean {
  return wanted === undefined || String(value).toLowerCase() === wanted;
}
