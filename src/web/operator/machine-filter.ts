interface Filtered {
  readonly name: string;
  readonly project?: string;
  readonly hypervisor?: { readonly name: string };
}

/** The machines whose name, project or hypervisor has every word of the filter in it; case and accents do not matter. */
export function filterMachines<Machine extends Filtered>(
  machines: readonly Machine[],
  filter: string,
): readonly Machine[] {
  const wanted = folded(filter).split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return machines;
  return machines.filter(({ name, project, hypervisor }) => {
    const text = folded(`${name} ${project ?? ""} ${hypervisor?.name ?? ""}`);
    return wanted.every((word) => text.includes(word));
  });
}

function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
