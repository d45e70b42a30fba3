import { ERROR_CODES, ERRORS, type ErrorCode } from "#wire/errors.ts";

/** What whoever runs Porthole looks at where others are told to tell him. It is for the documentation alone: viewers are not to carry it. */
const LOOKS: Readonly<Partial<Record<ErrorCode, string>>> = {
  origin_refused:
    "The portal's scheme, host and port, as its pages have them: `porthole setting add console.allowed.origins https://PORTAL`.",
  upstream_not_allowed:
    "`cause` in the node's line “Session ended” has the address: `porthole setting add upstream.allow NETWORK:PORT`. What nodes dial of each platform: [hypervisors.md](hypervisors.md).",
  upstream_address_reserved:
    "`cause` in the node's line “Session ended” has the address. Where it is right: `porthole setting add upstream.allow ADDRESS:PORT`, for no wider network counts.",
  upstream_is_porthole:
    "`cause` in the node's line “Session ended” has the address. Where it is wrong, `porthole machine update NAME --address`; where it is right, `porthole setting add upstream.allow ADDRESS:PORT`.",
  upstream_name_unresolved:
    "The node's line “Session ended” has the name. Ask the resolver of the node's machine for it (`getent hosts NAME`), or use an address.",
  upstream_unreachable:
    "`cause` in the node's line “Session ended” has address and reason: routes and firewalls between node and hypervisor, a name that leads elsewhere. Where no node has such a line, control did not get to the hypervisor: `porthole hypervisor test`. With a detail, that says what to change: [hypervisors.md](hypervisors.md).",
  upstream_timeout:
    "`step` in the node's line “Session ended” says how far it got: no answer in `connect` is mostly a firewall, in `handshake` a server that hangs.",
  upstream_not_rfb:
    "The machine's address: often it is the port of a web server, of SPICE or of a serial line.",
  upstream_security_unsupported:
    "What the hypervisor's VNC demands: [protocol/rfb.md](protocol/rfb.md) lists what is spoken. The detail has what it offered.",
  upstream_tls_failed:
    "Versions and ciphers of the hypervisor's TLS: 1.2 is the least. `openssl s_client -connect HOST:PORT` from the node's machine shows what it offers.",
  upstream_certificate_expired:
    "`openssl s_client -connect HOST:PORT` from the node's machine shows from when to when it is valid; the clocks of the node and of the hypervisor.",
  upstream_authentication_failed:
    "Whether the password on record is still the hypervisor's, and set the right one: `porthole machine update NAME --password-file FILE`.",
  upstream_refused: "The detail, which has the hypervisor's own words, and the hypervisor's log.",
  upstream_consoles_exhausted:
    "`porthole session list --machine NAME --state active`, the hypervisor's own tools, and its limit where it has one: [hypervisors.md](hypervisors.md).",
  upstream_not_spice:
    "What listens at the port that Nova names, and the SPICE settings of that compute host.",
  upstream_not_authd: "Whether port 902 of the ESXi host is its authd, and nothing in between answers.",
  upstream_certificate_unvouched:
    "Whether the ESXi host's certificate was renewed since its vCenter learned it: [operations/nova.md](operations/nova.md).",
  upstream_protocol_error:
    "The detail and `cause` in the node's line “Session ended”, and the version of the hypervisor: a fault of one of the two, which is worth a report.",
  nova_unreachable:
    "Control's log, and whether control reaches the Nova of `--nova-cloud`: [operations/nova.md](operations/nova.md).",
  nova_refused:
    "The roles of the account by which control asks Nova: [operations/nova.md](operations/nova.md).",
  nova_console_unfit:
    "`[vnc]`, `[spice]` and `[serial_console]` of Nova's configuration: [operations/nova.md](operations/nova.md).",
  hypervisor_unreachable: "`porthole hypervisor test NAME`, which says at which step it fails.",
  hypervisor_refused:
    "Control's log, which has the hypervisor's words, and what control's account may do there.",
  websocket_blocked:
    "The proxy in front of the nodes: [operations/front-proxy.md](operations/front-proxy.md) has whole configurations. `porthole doctor` says where it stops.",
  machine_busy:
    "`porthole node list`, and `porthole session list --machine NAME --state active`: who has it, on which node.",
  no_node_available:
    "`porthole node list`: whether a node of the machine's pool is up, takes sessions and has room (`consoleproxy.session.max`).",
  database_unavailable: "The database, and control's log: [operations/database.md](operations/database.md).",
  internal:
    "The line with this reference in the log of the node or of control. It is a fault of Porthole's: please report it.",
};

/** Those of whom an ordinary user is told to tell the operator, or to have him do something, each with what to look at. Throws where one has nothing. */
export function looksOfOperators(): readonly (readonly [ErrorCode, string])[] {
  return ERROR_CODES.filter((code) => /(tell your|the) operator/i.test(ERRORS[code].remedy)).map((code) => {
    const look = LOOKS[code];
    if (look === undefined)
      throw new Error(`${code} says to tell the operator, who is not told what to look at`);
    return [code, look];
  });
}
