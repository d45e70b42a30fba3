/** What consoles speak. It stands by itself, because viewers load it and nothing else of what a grant says. */
export const PROTOCOLS = ["rfb", "serial"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/**
 * What a console can be asked for as: in a protocol that machines are registered with, or as WebMKS, which is passed through unread for
 * clients that bring VMware's own library.
 */
export const ASKED_PROTOCOLS = [...PROTOCOLS, "webmks"] as const;
export type AskedProtocol = (typeof ASKED_PROTOCOLS)[number];

/** What is carried. SPICE comes with links that a Nova gave out alone, for clients that bring a viewer of it. */
export const CONSOLE_PROTOCOLS = [...ASKED_PROTOCOLS, "spice"] as const;
export type ConsoleProtocol = (typeof CONSOLE_PROTOCOLS)[number];
