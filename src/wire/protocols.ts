/** What consoles speak. It stands by itself, because viewers load it and nothing else of what a grant says. */
export const PROTOCOLS = ["rfb", "serial"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/**
 * What a console can be opened as: in a protocol that machines are registered with, or as WebMKS, which is passed through unread for
 * clients that bring VMware's own library.
 */
export const CONSOLE_PROTOCOLS = [...PROTOCOLS, "webmks"] as const;
export type ConsoleProtocol = (typeof CONSOLE_PROTOCOLS)[number];
