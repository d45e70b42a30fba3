/** Security types that are spoken here (RFC 6143 §7.2). */
export const SECURITY_TYPE = { invalid: 0, none: 1, vncAuthentication: 2 } as const;

export type Security = "none" | "vnc-authentication";

/** RFC 6143 §7.1.3 SecurityResult. Servers older than the RFC also say 2, for too many attempts. */
export const SECURITY_RESULT = { ok: 0, failed: 1 } as const;
