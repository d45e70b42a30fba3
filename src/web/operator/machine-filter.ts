import type { Machine } from "#wire/api.ts";

/** The machines whose name or project has every word of the filter in it; case and accents do not matter. */
export function filterMachines(machines: readonly Machine[], filter: string): readonly Machine[] {
  const wanted = folded(filter).split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return machines;
  return machines.filter(({ name, project }) => {
    const text = folded(`${name} ${project}`);
    return wanted.every((word) => text.includes(word));
  });
}

function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
