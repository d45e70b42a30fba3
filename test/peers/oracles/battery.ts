/**
 * What is said to a proxy for consoles, and what comes of it: at Debian's nova-novncproxy, at Debian's websockify, and at a node in front of
 * a Nova. test/peers/oracles.test.ts says it to all three, and docs/operations/nova-differences.md is made of the rows.
 */

/** What a request has, beside what a browser sends with one for a WebSocket. In texts `{token}` is a good token, of this probe alone. */
export interface Probe {
  readonly title: string;
  readonly method?: "POST" | "GET";
  readonly path?: string;
  /** Of these a null is left out, and `Upgrade` with it is a plain request. */
  readonly headers?: Readonly<Record<string, string | null>>;
  /** It was shown before, and opened its console. */
  readonly isUsed?: true;
  /** What is said once the console's first bytes are here. */
  readonly within?: "text" | "ping" | "unmasked" | "sign in" | "typed" | "typed as text" | "until it ends";
}

export const UPSTREAMS = [
  "vnc",
  "nothing listens",
  "no security types",
  "password",
  "unknown type first",
  "version 3.3",
] as const;
export type Upstream = (typeof UPSTREAMS)[number];

/**
 * `open`: the console's first bytes came. `signed in`: ServerInit did. `refused in RFB`: a SecurityResult, or no security types. `cut`: the
 * connection ended without a word.
 */
export interface Row extends Probe {
  /** Where the token leads; `vnc` if absent: a real VNC server that asks for nothing. */
  readonly upstream?: Upstream;
  /** At Nova's proxy, at websockify, and at a node. */
  readonly seen: readonly [nova: string, websockify: string, porthole: string];
  /** Where a node is otherwise than Nova's proxy. */
  readonly why?: string;
}

export const TOLD =
  "Refused by Nova's proxy too; a node tells before the WebSocket opens, with a status and a code, and clients see no bare 1006";
export const TWICE = "Which of two is meant depends on who reads, so neither is taken";
export const FRONT = "Headers of front proxies are believed of those that `--trusted-proxies` names";
export const DRAFTS = "Drafts of the WebSocket are not spoken (RFC 6455 §4.4)";
export const BY_GET = "A WebSocket is asked for by GET (RFC 6455 §4.1)";
export const OWN_NAMES =
  "A node knows its names from its operator and from control; what a request says of them proves nothing";
export const COOKIES =
  "Browsers send a host's cookies along from the pages of all its ports (RFC 6265 §8.5): such a page would need to know no token";
export const NOTHING = "There is nothing at that address, and no page but the viewer's under /p/";

export const BATTERY: Readonly<Record<string, readonly Row[]>> = {
  "Where the token is": [
    { title: "in the query", seen: ["open, binary", "open, binary", "open, binary"] },
    {
      title: "in the query of any path",
      path: "/websockify?token={token}",
      seen: ["open, binary", "open, binary", "open, binary"],
    },
    {
      title: "in the query, and a portal's title behind it",
      path: "/?token={token}&title=vm(7)",
      seen: ["open, binary", "open, binary", "open, binary"],
    },
    {
      title: "in a cookie",
      path: "/",
      headers: { Cookie: "token={token}" },
      seen: ["open, binary", "cut", "open, binary"],
    },
    {
      title: "in a cookie among others that are malformed",
      path: "/",
      headers: { Cookie: "a; =b; token={token}; {" },
      seen: ["open, binary", "cut", "open, binary"],
    },
    {
      title: "a good one in a cookie, another in the query",
      path: "/?token=5f3c1b0e-0000-4000-8000-000000000001",
      headers: { Cookie: "token={token}" },
      seen: ["101, cut, binary", "cut", "401"],
      why: TOLD,
    },
    {
      title: "a good one before another",
      path: "/?token={token}&token=5f3c1b0e-0000-4000-8000-000000000002",
      seen: ["101, cut, binary", "open, binary", "400"],
      why: TWICE,
    },
    {
      title: "a good one behind another",
      path: "/?token=5f3c1b0e-0000-4000-8000-000000000003&token={token}",
      seen: ["open, binary", "cut", "400"],
      why: TWICE,
    },
    {
      title: "in the path",
      path: "/{token}",
      seen: ["101, cut, binary", "cut", "401"],
      why: TOLD,
    },
    { title: "nowhere", path: "/", seen: ["101, cut, binary", "cut", "401"], why: TOLD },
    {
      title: "empty",
      path: "/?token=",
      seen: ["101, cut, binary", "cut", "401"],
      why: TOLD,
    },
    {
      title: "one that nobody gave out",
      path: "/?token=5f3c1b0e-0000-4000-8000-000000000004",
      seen: ["101, cut, binary", "cut", "401"],
      why: TOLD,
    },
    {
      title: "no UUID",
      path: "/?token=../../etc/passwd",
      seen: ["101, cut, binary", "cut", "401"],
      why: TOLD,
    },
    {
      title: "used before",
      isUsed: true,
      seen: ["open, binary", "open, binary", "410"],
      why: "A link that is seen by others opens nothing any more; `nova.tokens.reuse` gives Nova's meaning back",
    },
  ],
  "Which page asks": [
    { title: "none: no Origin", seen: ["open, binary", "open, binary", "open, binary"] },
    {
      title: "the proxy's own",
      headers: { Origin: "http://127.0.0.1:{port}" },
      seen: ["open, binary", "open, binary", "open, binary"],
    },
    {
      title: "the proxy's own on another port",
      headers: { Origin: "http://127.0.0.1:1" },
      seen: ["open, binary", "open, binary", "open, binary"],
    },
    {
      title: "the proxy's own by another scheme",
      headers: { Origin: "https://127.0.0.1:{port}" },
      seen: ["101, cut, binary", "open, binary", "403"],
      why: TOLD,
    },
    {
      title: "another site's",
      headers: { Origin: "http://evil.example" },
      seen: ["101, cut, binary", "open, binary", "403"],
      why: TOLD,
    },
    {
      title: "`null`",
      headers: { Origin: "null" },
      seen: ["101, cut, binary", "open, binary", "403"],
      why: TOLD,
    },
    {
      title: "a blank Origin",
      headers: { Origin: "" },
      seen: ["101, cut, binary", "open, binary", "403"],
      why: TOLD,
    },
    {
      title: "another site's, with its own Host",
      headers: { Host: "evil.example", Origin: "http://evil.example" },
      seen: ["open, binary", "open, binary", "403"],
      why: OWN_NAMES,
    },
    {
      title: "another site's, after that",
      headers: { Origin: "http://evil.example" },
      seen: ["101, cut, binary", "open, binary", "403"],
      why: TOLD,
    },
    {
      title: "another site's, with X-Forwarded-Host",
      headers: { Origin: "http://evil.example", "X-Forwarded-Host": "evil.example" },
      seen: ["101, cut, binary", "open, binary", "403"],
      why: TOLD,
    },
    {
      title: "the proxy's own, with X-Forwarded-Proto: https",
      headers: { Origin: "http://127.0.0.1:{port}", "X-Forwarded-Proto": "https" },
      seen: ["101, cut, binary", "open, binary", "open, binary"],
      why: FRONT,
    },
    {
      title: "the proxy's own on another port, with the token in a cookie",
      path: "/",
      headers: { Origin: "http://127.0.0.1:1", Cookie: "token={token}" },
      seen: ["open, binary", "cut", "403"],
      why: COOKIES,
    },
    {
      title: "the proxy's own, with the token in a cookie",
      path: "/",
      headers: { Origin: "http://127.0.0.1:{port}", Cookie: "token={token}" },
      seen: ["open, binary", "cut", "open, binary"],
    },
    {
      title: "by another scheme, with X-Forwarded-Proto: http",
      headers: { Origin: "https://127.0.0.1:{port}", "X-Forwarded-Proto": "http" },
      seen: ["open, binary", "open, binary", "403"],
      why: FRONT,
    },
    {
      title: "none, and a Host that the proxy is not known by",
      headers: { Host: "other.example" },
      seen: ["open, binary", "open, binary", "open, binary"],
    },
  ],
  "What the WebSocket is to be": [
    {
      title: "no sub-protocol",
      headers: { "Sec-WebSocket-Protocol": null },
      seen: ["open", "open", "open"],
    },
    {
      title: "`binary` and `base64`, as older noVNC asks",
      headers: { "Sec-WebSocket-Protocol": "binary, base64" },
      seen: ["open, binary", "open, binary", "open, binary"],
    },
    {
      title: "`base64` alone",
      headers: { "Sec-WebSocket-Protocol": "base64" },
      seen: ["400", "400", "400"],
    },
    {
      title: "another sub-protocol alone",
      headers: { "Sec-WebSocket-Protocol": "mqtt" },
      seen: ["400", "400", "400"],
    },
    {
      title: "permessage-deflate is offered",
      headers: { "Sec-WebSocket-Extensions": "permessage-deflate" },
      seen: ["open, binary", "open, binary", "open, binary"],
    },
    {
      title: "version 8",
      headers: { "Sec-WebSocket-Version": "8" },
      seen: ["open, binary", "open, binary", "400"],
      why: DRAFTS,
    },
    {
      title: "version 12",
      headers: { "Sec-WebSocket-Version": "12" },
      seen: ["400", "400", "400"],
    },
    {
      title: "no key",
      headers: { "Sec-WebSocket-Key": null },
      seen: ["400", "400", "400"],
    },
    {
      title: "a key of the wrong length",
      headers: { "Sec-WebSocket-Key": "c2hvcnQ=" },
      seen: ["open, binary", "open, binary", "400"],
      why: "It has to be 16 bytes (RFC 6455 §4.1)",
    },
    {
      title: "`Connection: keep-alive, Upgrade`",
      headers: { Connection: "keep-alive, Upgrade" },
      seen: ["open, binary", "open, binary", "open, binary"],
    },
    {
      title: "no `Connection`",
      headers: { Connection: null },
      seen: ["open, binary", "open, binary", "302"],
      why: "It is no request for an upgrade then (RFC 9110 §7.8), and leads to the console's page",
    },
  ],
  "What is said within": [
    {
      title: "RFB 3.8 without security",
      within: "sign in",
      seen: ["signed in, binary", "signed in, binary", "signed in, binary"],
    },
    {
      title: "a text frame",
      within: "text",
      seen: [
        "open, closed with 1003, binary",
        "open, closed with 1003, binary",
        "open, closed with 4453, binary",
      ],
      why: "Refused by both; the close code is one that says that the viewer was wrong",
    },
    {
      title: "a ping",
      within: "ping",
      seen: ["open, hello, binary", "open, hello, binary", "open, hello, binary"],
    },
    {
      title: "a frame that is not masked",
      within: "unmasked",
      seen: [
        "open, closed with 1002, binary",
        "open, closed with 1002, binary",
        "open, closed with 1002, binary",
      ],
    },
  ],
  "What is behind": [
    {
      title: "nothing listens",
      upstream: "nothing listens",
      within: "sign in",
      seen: ["101, cut, binary", "101, closed with 1011, binary", "refused in RFB, binary"],
      why: "It is said in RFB's words and with a close code of its own, so that viewers show why",
    },
    {
      title: "no security types, and a reason",
      upstream: "no security types",
      within: "sign in",
      seen: ["refused in RFB, binary", "refused in RFB, binary", "refused in RFB, binary"],
    },
    {
      title: "a VNC password is asked for",
      upstream: "password",
      within: "sign in",
      seen: ["refused in RFB, binary", "refused in RFB, binary", "refused in RFB, binary"],
    },
    {
      title: "a security type that nobody knows, before None",
      upstream: "unknown type first",
      within: "sign in",
      seen: ["open, cut, binary", "signed in, binary", "signed in, binary"],
      why: "What is not known is passed over; Nova's proxy breaks at it",
    },
    {
      title: "RFB 3.3",
      upstream: "version 3.3",
      within: "sign in",
      seen: ["101, closed with 1000, binary", "signed in, binary", "signed in, binary"],
      why: "Older versions are spoken with servers and viewers alike",
    },
  ],
  "Other requests": [
    {
      title: "GET of /",
      path: "/",
      headers: { Upgrade: null, Connection: null },
      seen: ["405", "405", "404"],
      why: NOTHING,
    },
    {
      title: "POST",
      method: "POST",
      path: "/",
      headers: { Upgrade: null, Connection: null, "Content-Length": "0" },
      seen: ["501", "501", "404"],
      why: NOTHING,
    },
    {
      title: "POST with an upgrade",
      method: "POST",
      headers: { "Content-Length": "0" },
      seen: ["501", "501", "400"],
      why: BY_GET,
    },
    {
      title: "a path that would lead elsewhere",
      path: "//evil.example/%2f..",
      headers: { Upgrade: null, Connection: null },
      seen: ["405", "405", "404"],
      why: NOTHING,
    },
    {
      title: "a path out of the folder",
      path: "/../../etc/passwd",
      headers: { Upgrade: null, Connection: null },
      seen: ["405", "405", "404"],
      why: NOTHING,
    },
    {
      title: "an upgrade to something else",
      headers: { Upgrade: "h2c" },
      seen: ["405", "405", "302"],
      why: "It is answered as a plain request for the address is: with the console's page",
    },
  ],
};
