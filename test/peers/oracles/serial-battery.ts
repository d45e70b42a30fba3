import { BY_GET, COOKIES, DRAFTS, FRONT, NOTHING, OWN_NAMES, type Probe, TOLD, TWICE } from "./battery.ts";

/** What is behind a token of a serial line; `line` if a row does not say: one that greets and echoes. */
export const LINES = [
  "line",
  "nothing listens",
  "it ends without a word",
  "it ends once something is typed",
] as const;
export type SerialLine = (typeof LINES)[number];

export interface SerialRow extends Probe {
  readonly upstream?: SerialLine;
  /** At nova-serialproxy, and at a node. */
  readonly seen: readonly [nova: string, porthole: string];
  /** Where a node is otherwise than Nova's proxy. */
  readonly why?: string;
}

/** Where a serial line is at a node; Nova's proxy takes any path. */
export const SERIAL_PATH = "/serial?token={token}";

const TEXT = "Clients that type in text frames work (`novaconsole`, and pages that send strings)";
const ENDINGS = "The close code says what became of the line, so that viewers show why";

/** As the battery of battery.ts, for serial lines. */
export const SERIAL_BATTERY: Readonly<Record<string, readonly SerialRow[]>> = {
  "Where the token is": [
    { title: "in the query", seen: ["open, binary", "open, binary"] },
    {
      title: "in the query, and a portal's title behind it",
      path: "/serial?token={token}&title=vm(7)",
      seen: ["open, binary", "open, binary"],
    },
    {
      title: "in the query of `/p/serial/websockify`",
      path: "/p/serial/websockify?token={token}",
      seen: ["open, binary", "open, binary"],
    },
    {
      title: "in the query of `/`",
      path: "/?token={token}",
      within: "typed",
      seen: ["echoed, binary", "open, closed with 4435, binary"],
      why: "Nova's answer does not say of which kind a console is, so a node's address does: there it is that of VNC",
    },
    {
      title: "in a cookie",
      path: "/serial",
      headers: { Cookie: "token={token}" },
      seen: ["open, binary", "open, binary"],
    },
    {
      title: "in a cookie, in quotation marks",
      path: "/serial",
      headers: { Cookie: 'token="{token}"' },
      seen: ["open, binary", "open, binary"],
    },
    {
      title: "in a cookie among others that are malformed",
      path: "/serial",
      headers: { Cookie: "a; =b; token={token}; {" },
      seen: ["open, binary", "open, binary"],
    },
    {
      title: "a good one in a cookie, another in the query",
      path: "/serial?token=5f3c1b0e-0000-4000-8000-000000000011",
      headers: { Cookie: "token={token}" },
      seen: ["101, cut, binary", "401"],
      why: TOLD,
    },
    {
      title: "a good one before another",
      path: "/serial?token={token}&token=5f3c1b0e-0000-4000-8000-000000000012",
      seen: ["101, cut, binary", "400"],
      why: TWICE,
    },
    {
      title: "a good one behind another",
      path: "/serial?token=5f3c1b0e-0000-4000-8000-000000000013&token={token}",
      seen: ["open, binary", "400"],
      why: TWICE,
    },
    { title: "in the path", path: "/serial/{token}", seen: ["101, cut, binary", "401"], why: TOLD },
    { title: "nowhere", path: "/serial", seen: ["101, cut, binary", "401"], why: TOLD },
    { title: "empty", path: "/serial?token=", seen: ["101, cut, binary", "401"], why: TOLD },
    {
      title: "one that nobody gave out",
      path: "/serial?token=5f3c1b0e-0000-4000-8000-000000000014",
      seen: ["101, cut, binary", "401"],
      why: TOLD,
    },
    {
      title: "no UUID",
      path: "/serial?token=../../etc/passwd",
      seen: ["101, cut, binary", "401"],
      why: TOLD,
    },
    {
      title: "used before",
      isUsed: true,
      seen: ["open, binary", "410"],
      why: "A link that is seen by others opens nothing any more; `nova.tokens.reuse` gives Nova's meaning back",
    },
  ],
  "Which page asks": [
    {
      title: "the proxy's own",
      headers: { Origin: "http://127.0.0.1:{port}" },
      seen: ["open, binary", "open, binary"],
    },
    {
      title: "the proxy's own on another port",
      headers: { Origin: "http://127.0.0.1:1" },
      seen: ["open, binary", "open, binary"],
    },
    {
      title: "the proxy's own on another port, with the token in a cookie",
      path: "/serial",
      headers: { Origin: "http://127.0.0.1:1", Cookie: "token={token}" },
      seen: ["open, binary", "403"],
      why: COOKIES,
    },
    {
      title: "the proxy's own by another scheme",
      headers: { Origin: "https://127.0.0.1:{port}" },
      seen: ["101, cut, binary", "403"],
      why: TOLD,
    },
    {
      title: "the proxy's own by `ws`",
      headers: { Origin: "ws://127.0.0.1:{port}" },
      seen: ["open, binary", "403"],
      why: "An Origin is that of a page, and no page is loaded by `ws` (RFC 6454 §7)",
    },
    {
      title: "another site's",
      headers: { Origin: "http://evil.example" },
      seen: ["101, cut, binary", "403"],
      why: TOLD,
    },
    { title: "`null`", headers: { Origin: "null" }, seen: ["101, cut, binary", "403"], why: TOLD },
    { title: "a blank Origin", headers: { Origin: "" }, seen: ["101, cut, binary", "403"], why: TOLD },
    {
      title: "another site's, with its own Host",
      headers: { Host: "evil.example", Origin: "http://evil.example" },
      seen: ["open, binary", "403"],
      why: OWN_NAMES,
    },
    {
      title: "another site's, with X-Forwarded-Host",
      headers: { Origin: "http://evil.example", "X-Forwarded-Host": "evil.example" },
      seen: ["101, cut, binary", "403"],
      why: TOLD,
    },
    {
      title: "the proxy's own, with X-Forwarded-Proto: https",
      headers: { Origin: "http://127.0.0.1:{port}", "X-Forwarded-Proto": "https" },
      seen: ["101, cut, binary", "open, binary"],
      why: FRONT,
    },
    {
      title: "by another scheme, with X-Forwarded-Proto: http",
      headers: { Origin: "https://127.0.0.1:{port}", "X-Forwarded-Proto": "http" },
      seen: ["open, binary", "403"],
      why: FRONT,
    },
    {
      title: "none, and a Host that the proxy is not known by",
      headers: { Host: "other.example" },
      seen: ["open, binary", "open, binary"],
    },
  ],
  "What the WebSocket is to be": [
    { title: "no sub-protocol", headers: { "Sec-WebSocket-Protocol": null }, seen: ["open", "open"] },
    { title: "`text` alone", headers: { "Sec-WebSocket-Protocol": "text" }, seen: ["400", "400"] },
    { title: "`base64` alone", headers: { "Sec-WebSocket-Protocol": "base64" }, seen: ["400", "400"] },
    {
      title: "`binary` and `base64`, as Nova's own example asks",
      headers: { "Sec-WebSocket-Protocol": "binary, base64" },
      seen: ["open, binary", "open, binary"],
    },
    {
      title: "`text` and `binary`",
      headers: { "Sec-WebSocket-Protocol": "text, binary" },
      seen: ["400", "open, binary"],
      why: "Of what is offered that is chosen which is spoken (RFC 6455 §4.2.2)",
    },
    {
      title: "permessage-deflate is offered",
      headers: { "Sec-WebSocket-Extensions": "permessage-deflate" },
      seen: ["open, binary", "open, binary"],
    },
    {
      title: "version 8",
      headers: { "Sec-WebSocket-Version": "8" },
      seen: ["open, binary", "400"],
      why: DRAFTS,
    },
    { title: "no key", headers: { "Sec-WebSocket-Key": null }, seen: ["400", "400"] },
    {
      title: "no `Connection`",
      headers: { Connection: null },
      seen: ["open, binary", "404"],
      why: "It is no request for an upgrade then (RFC 9110 §7.8)",
    },
  ],
  "What is said within": [
    { title: "typed in a binary frame", within: "typed", seen: ["echoed, binary", "echoed, binary"] },
    {
      title: "typed in a text frame",
      within: "typed as text",
      seen: ["open, closed with 1003, binary", "echoed, binary"],
      why: TEXT,
    },
    {
      title: "typed in a binary frame, without a sub-protocol",
      within: "typed",
      headers: { "Sec-WebSocket-Protocol": null },
      seen: ["echoed", "echoed"],
    },
    {
      title: "typed in a text frame, without a sub-protocol",
      within: "typed as text",
      headers: { "Sec-WebSocket-Protocol": null },
      seen: ["open, closed with 1003", "echoed"],
      why: TEXT,
    },
    { title: "a ping", within: "ping", seen: ["open, hello, binary", "open, hello, binary"] },
    {
      title: "a frame that is not masked",
      within: "unmasked",
      seen: ["open, closed with 1002, binary", "open, closed with 1002, binary"],
    },
  ],
  "What is behind": [
    {
      title: "nothing listens",
      upstream: "nothing listens",
      seen: ["101, cut, binary", "101, closed with 4432, binary"],
      why: ENDINGS,
    },
    {
      title: "it ends without a word",
      upstream: "it ends without a word",
      seen: ["101, closed with 1000, binary", "101, closed with 4440, binary"],
      why: ENDINGS,
    },
    {
      title: "it ends once something is typed",
      upstream: "it ends once something is typed",
      within: "until it ends",
      seen: ["open, closed with 1000, binary", "open, closed with 4440, binary"],
      why: ENDINGS,
    },
  ],
  "Other requests": [
    {
      title: "GET of /serial without an upgrade",
      headers: { Upgrade: null, Connection: null },
      seen: ["405", "404"],
      why: NOTHING,
    },
    {
      title: "GET of /",
      path: "/",
      headers: { Upgrade: null, Connection: null },
      seen: ["405", "404"],
      why: NOTHING,
    },
    {
      title: "POST",
      method: "POST",
      path: "/serial",
      headers: { Upgrade: null, Connection: null, "Content-Length": "0" },
      seen: ["501", "404"],
      why: NOTHING,
    },
    {
      title: "POST with an upgrade",
      method: "POST",
      headers: { "Content-Length": "0" },
      seen: ["501", "400"],
      why: BY_GET,
    },
    {
      title: "a path out of the folder",
      path: "/serial/../../etc/passwd",
      headers: { Upgrade: null, Connection: null },
      seen: ["405", "404"],
      why: NOTHING,
    },
    {
      title: "an upgrade to something else",
      headers: { Upgrade: "h2c" },
      seen: ["405", "404"],
      why: "It is answered as a plain request for the address is",
    },
  ],
};
