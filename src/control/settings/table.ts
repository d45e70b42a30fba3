import { flag, list, origin } from "#base/config.ts";
import { parseUpstreamAllow } from "#wire/upstream-allow.ts";
import { ASSIGNMENT_ORDERS } from "../fleet/assignment.ts";
import { consoleDomain } from "../fleet/public-names.ts";
import { certificateAuthority, contactAddress, nameServer } from "../names/dns-settings.ts";

/** One thing that the whole installation shares and an operator may change at run time. */
export interface SettingDefinition<Value> {
  /** What is in force until an operator sets it: text, as an operator would write it. */
  readonly fallback: string;
  /** Throws an Error that says what is wrong. */
  readonly parse: (text: string) => Value;
  /** Whole sentences, with the unit. */
  readonly description: string;
  /** Items separated by commas, of which one can be added or taken away by itself. */
  readonly isList?: true;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** No ticket is good for longer, whatever is set. */
export const LONGEST_TICKET_LIFETIME_MS = HOUR_MS;

/** Names that exist in CloudStack are CloudStack's, with its meaning. */
export const SETTINGS = {
  "audit.retention.days": {
    fallback: "365",
    parse: integer(0, 36_500, " of days"),
    description:
      "How long rows of the audit log are kept, in days (1 to 36500); 0 keeps them for ever. The oldest are forgotten bit by bit.",
  },
  "upstream.allow": {
    isList: true,
    fallback: "",
    parse: (text) => {
      parseUpstreamAllow(text);
      return text;
    },
    description:
      "Which addresses console nodes may dial: networks or addresses, each with :PORT or :FIRST-LAST where not every port is meant, and unix:/PATH or unix:/FOLDER/*, separated by commas. Empty means none. Loopback, link-local and metadata addresses are allowed by an item that lies within them, such as 127.0.0.0/8, and not by a wider one; Porthole's own ports by an item that means one address and one port.",
  },
  "capacity.shrink.delay": {
    fallback: String(10 * MINUTE_MS),
    parse: milliseconds(SECOND_MS, 24 * HOUR_MS),
    description:
      "How long a pool must have had a whole node more than it needs before one is emptied and taken away, in milliseconds (1 s to 24 h).",
  },
  "console.allowed.origins": {
    isList: true,
    fallback: "",
    parse: list(origin),
    description:
      "Origins of other sites whose pages may open consoles and show the viewer in a frame, such as https://portal.example.com, separated by commas.",
  },
  "consoleproxy.extra.security.validation.enabled": {
    fallback: "false",
    parse: flag,
    description:
      "Whether every console that is asked for through an API must have an extra token, which the viewer brings beside the link.",
  },
  "consoleproxy.assignment.order": {
    fallback: "first-available",
    parse: oneOf(...ASSIGNMENT_ORDERS),
    description:
      "Which node a machine's console is given to that has not just had one: first-available fills nodes one after the other, in the order in which they joined, so that the last ones can go; least-loaded spreads consoles over all nodes.",
  },
  "consoleproxy.session.max": {
    fallback: "50",
    parse: integer(1, 100_000),
    description:
      "How many sessions a node has, links that may still be used included, before consoles go to other nodes (1 to 100000). A machine goes back to the node that has, or just had, its session beyond that, up to what the node itself bears.",
  },
  "consoleproxy.session.timeout": {
    fallback: String(5 * MINUTE_MS),
    parse: milliseconds(10 * SECOND_MS, 24 * HOUR_MS),
    description:
      "After how long a console is ended in which neither the machine nor the viewer sent anything, and how long after its end a session still draws the next console of its machine to its node, in milliseconds (10 s to 24 h). Nodes look as often as they ping viewers: every 20 s, or as their --ping-interval says.",
  },
  "consoleproxy.sslEnabled": {
    fallback: "false",
    parse: flag,
    description:
      "Whether nodes serve their pages and WebSockets by TLS: under a certificate that was uploaded, or else under one of the installation's own CA. Consoles that are open go on as they are.",
  },
  "consoleproxy.url.domain": {
    fallback: "",
    parse: consoleDomain,
    description:
      "The name under which browsers find console nodes that are known by an address: *.example.com gives a node at 203.0.113.7 the name 203-0-113-7.example.com, a plain name is that of all nodes. Empty means the address.",
  },
  "consoleproxy.capacity.standby": {
    fallback: "10",
    parse: integer(0, 1_000_000),
    description:
      "How many consoles each pool is to have room for at any time (0 to 1000000). With less, nodes are launched; with a whole node more for a while (capacity.shrink.delay), one is emptied and taken away. Only where control has a launcher for the pool.",
  },
  "consoleproxy.capacityscan.interval": {
    fallback: String(30 * SECOND_MS),
    parse: milliseconds(SECOND_MS, HOUR_MS),
    description: "How often the room of the pools is looked at, in milliseconds (1 s to 1 h).",
  },
  "consoleproxy.launch.max": {
    fallback: "10",
    parse: integer(0, 10_000),
    description:
      "How many nodes a pool has at most that are there or being launched, those that nobody launched included (0 to 10000). Control launches none beyond it.",
  },
  "consoleproxy.management.state": {
    fallback: "Auto",
    parse: oneOf("Auto", "Manual", "Suspending"),
    description:
      "Whether control launches nodes and takes them away by itself (Auto), or leaves the fleet as it is (Manual, Suspending).",
  },
  "consoleproxy.loadscan.interval": {
    fallback: String(5 * SECOND_MS),
    parse: milliseconds(SECOND_MS, MINUTE_MS),
    description:
      "How often a node reports to control, in milliseconds (1 s to 1 min). A node that was silent two and a half times as long counts as down.",
  },
  "console.idle.timeout": {
    fallback: "0",
    parse: milliseconds(0, 7 * 24 * HOUR_MS),
    description:
      "After how long a console is ended in which nothing was typed, pointed at or pasted, in milliseconds (up to 7 days), whatever the machine shows; 0 means never. Nodes look as often as they ping viewers: every 20 s, or as their --ping-interval says.",
  },
  "console.offline.policy": {
    fallback: "refuse",
    parse: oneOf("refuse", "accept"),
    description:
      "What a node does with a console link while no control answers: refuse it, or accept it once. To accept it the node is told ahead, with each link, where the console is and its password, and keeps that in memory until the link ends.",
  },
  "console.ticket.lifetime.cloudstack": ticketLifetime("the CloudStack API"),
  "console.ticket.lifetime.native": ticketLifetime("the native API"),
  // People copy these links by hand, as they do Nova's, which live as long.
  "console.ticket.lifetime.nova": ticketLifetime("the Nova API", 10 * MINUTE_MS),
  "console.ticket.lifetime.web": ticketLifetime("the web pages"),
  "console.ticket.pending.max": {
    fallback: "1000",
    parse: integer(1, 100_000),
    description: "How many links an account may have that are neither used nor expired (1 to 100000).",
  },
  "console.reopen.timeout": {
    fallback: String(HOUR_MS),
    parse: milliseconds(0, 24 * HOUR_MS),
    description:
      "How long after its end a console can be opened again from its page, in milliseconds (0 to 24 h). Rights are judged anew each time.",
  },
  "dns.caa": {
    isList: true,
    fallback: "",
    parse: list(certificateAuthority),
    description:
      "Which authorities may issue certificates for the domain of the consoles, as they call themselves in CAA records, such as letsencrypt.org, separated by commas. Empty means any.",
  },
  "dns.contact": {
    fallback: "",
    parse: contactAddress,
    description:
      "The mail address of whoever is responsible for the domain of the consoles, which stands in its SOA record. Empty means hostmaster at that domain.",
  },
  "dns.name.servers": {
    isList: true,
    fallback: "",
    parse: list(nameServer),
    description:
      "The name servers of the domain of the consoles, separated by commas: NAME, or NAME=ADDRESS where the name is inside that domain, once for each address. The first is the primary one. Empty means ns. before the domain, at the addresses of --dns-listen.",
  },
  "dns.public.ranges": {
    fallback: "false",
    parse: flag,
    description:
      "Whether every address of the pools' public IP ranges has a name in the domain of the consoles, and not registered nodes alone.",
  },
  "identity.token.lifetime": {
    fallback: String(HOUR_MS),
    parse: milliseconds(MINUTE_MS, 24 * HOUR_MS),
    description:
      "How long a token works that a client of OpenStack got from the identity API, in milliseconds (1 min to 24 h).",
  },
  "identity.keystone.cache": {
    fallback: String(MINUTE_MS),
    parse: milliseconds(0, 5 * MINUTE_MS),
    description:
      "How long what Keystone said of a token is taken without asking it again, in milliseconds (0 to 5 min): so long a token works on that was revoked there. 0 asks at every request.",
  },
  "session.lost.timeout": {
    fallback: String(HOUR_MS),
    parse: milliseconds(10 * SECOND_MS, 7 * 24 * HOUR_MS),
    description:
      "How long nothing may be heard of a node before its sessions are written down as ended, in milliseconds (10 s to 7 days).",
  },
  "enforce.post.requests.and.timestamps": {
    fallback: "false",
    parse: flag,
    description:
      "Whether the CloudStack API takes commands that change something by POST only, and signatures only of version 3 that expire within 15 minutes.",
  },
  "nova.tokens.reuse": {
    fallback: "false",
    parse: flag,
    description:
      "Whether a console token of the Nova that this installation stands in front of opens its console as often as it is shown, until Nova lets it expire, as Nova's own proxies have it. Otherwise it opens it once.",
  },
  novncproxy_base_url: {
    fallback: "",
    parse: baseUrl("http://", "https://"),
    description:
      "The page of noVNC that the Nova API's URLs of type novnc lead to, such as https://consoles.example.com/novnc/vnc_lite.html: the ticket is put into its path. Its site has to stand in console.allowed.origins. Empty means the viewer of the console's own node.",
  },
  serialproxy_base_url: {
    fallback: "",
    parse: baseUrl("ws://", "wss://"),
    description:
      "The WebSocket that the Nova API's URLs of type serial lead to, such as wss://consoles.example.com/serial/: the ticket is put behind it, as token. Whatever is there has to hand it on to a node. Empty means the console's own node.",
  },
  webmks_proxy_base_url: {
    fallback: "http://127.0.0.1:6090/",
    parse: baseUrl("http://", "https://"),
    description:
      "What the Nova API's URLs of type webmks lead to: the ticket is put behind it, as token. It is to be a node, or to hand on to one: browsers find the viewer there, and clients that bring VMware's library their WebSocket. Empty means the console's own node.",
  },
  "novnc.console.sourceip.check.enabled": {
    fallback: "false",
    parse: flag,
    description:
      "Whether a console that is asked for through the CloudStack API or the web pages opens only from the address that asked.",
  },
} as const satisfies Record<string, SettingDefinition<unknown>>;

export type SettingName = keyof typeof SETTINGS;
export type SettingValueOf<Name extends SettingName> = ReturnType<(typeof SETTINGS)[Name]["parse"]>;

export const SETTING_NAMES = Object.keys(SETTINGS).sort() as readonly SettingName[];

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

function ticketLifetime(door: string, fallbackMs: number = MINUTE_MS): SettingDefinition<number> {
  return {
    fallback: String(fallbackMs),
    parse: milliseconds(SECOND_MS, LONGEST_TICKET_LIFETIME_MS),
    description: `How long a console link works that was asked for through ${door}, in milliseconds (1 s to 1 h).`,
  };
}

function oneOf<const Choice extends string>(...choices: readonly Choice[]): (text: string) => Choice {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text);
    if (choice === undefined) throw new Error(`must be ${choices.join(" or ")}`);
    return choice;
  };
}

/** Whoever is sent there brings a ticket along, so it is a page and no script. */
/** Where consoles' URLs begin. */
function baseUrl(...schemes: readonly string[]): (text: string) => string {
  return (text) => {
    if (text === "") return text;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isBare = url !== undefined && url.username === "" && url.password === "" && url.hash === "";
    if (!isBare || !schemes.includes(`${url.protocol}//`))
      throw new Error(
        `must be a URL that begins with ${schemes.join(" or ")}, without credentials and without a fragment`,
      );
    return url.href;
  };
}

function milliseconds(minimum: number, maximum: number): (text: string) => number {
  return integer(minimum, maximum, " of milliseconds");
}

function integer(minimum: number, maximum: number, unit = ""): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,12}$/.test(text) || value < minimum || value > maximum)
      throw new Error(`must be a whole number${unit} from ${minimum} to ${maximum}`);
    return value;
  };
}
