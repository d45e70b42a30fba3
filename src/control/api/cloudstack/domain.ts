/** Porthole has no domains: everything is in the one that every CloudStack has. */
export const DOMAIN = { id: "00000000-0000-4000-8000-000000000001", name: "ROOT", path: "ROOT" } as const;

/** Whether what a client calls a domain, by id, name or path, is that one. */
export function inOurDomain(text: string): boolean {
  return text === DOMAIN.id || /^\/?ROOT\/?$/i.test(text) || text === "/";
}
