import type { OutgoingHttpHeaders } from "node:http";

/** What the headers depend on: where the WebSocket is, and who may frame the viewer. */
export interface HeaderPolicy {
  readonly webSocketOrigin: string;
  readonly frameAncestors: readonly string[];
}

/** On every answer, whatever it is: a page that is served by mistake can then do as little as one that is not. */
export function securityHeaders({ webSocketOrigin, frameAncestors }: HeaderPolicy): OutgoingHttpHeaders {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src 'self' ${webSocketOrigin.replace(/^http/, "ws")}`,
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${frameAncestors.length === 0 ? "'none'" : frameAncestors.join(" ")}`,
  ];
  return {
    "content-security-policy": policy.join("; "),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy":
      "clipboard-read=(self), clipboard-write=(self), fullscreen=(self), camera=(), microphone=(), geolocation=(), payment=(), usb=()",
  };
}
