/** Security types that are spoken here (RFC 6143 §7.2, and rfbproto's registry). */
export const SECURITY_TYPE = {
  invalid: 0,
  none: 1,
  vncAuthentication: 2,
  ra2: 5,
  tight: 16,
  veNCrypt: 19,
  sasl: 20,
  ra2With256: 129,
} as const;

/** How a peer is signed in to. */
export type Security = "none" | "vnc-authentication" | "plain" | "sasl" | "ra2" | "ra2-256";

/** Whether TLS shows by a certificate whose it is, or hides the words from whoever only listens (anonymous Diffie-Hellman). */
export type TlsKind = "x509" | "anonymous";

/** RFC 6143 §7.1.3 SecurityResult. Servers older than the RFC also say 2, for too many attempts. */
export const SECURITY_RESULT = { ok: 0, failed: 1 } as const;
