/** Porthole has no domains: everything is in the one that every Keystone has. */
export const DOMAIN = { id: "default", name: "Default" } as const;
