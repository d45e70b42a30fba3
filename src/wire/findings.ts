/** How much a finding matters. `skipped`: nothing was looked at, and why. */
export const FINDING_RESULTS = ["ok", "warning", "failed", "skipped"] as const;
export type FindingResult = (typeof FINDING_RESULTS)[number];

interface Words {
  readonly result: FindingResult;
  /** One sentence: what is so. */
  readonly meaning: string;
  /** One or two: what to do. Empty where there is nothing to do. */
  readonly remedy: string;
}

/**
 * Everything that the self-check can find, a closed list: what is so, and what to do. It never says where; that is in the
 * line's subject and facts.
 */
export const FINDINGS = {
  ok: ok("It is as it should be."),

  skipped_earlier: skipped("What it needs failed already, so it was not looked at.", "Mend that first."),
  skipped_left_out: skipped(
    "More than are looked at in one run: the rest was left out.",
    "Look at one node by itself: porthole doctor --node ID",
  ),
  skipped_more_hypervisors: skipped(
    "The pool has more hypervisors than a node tries in one run: the rest was left out.",
    "Run this again: each run takes others.",
  ),
  skipped_node_away: skipped(
    "The node is not up, so it was not asked.",
    "See to the line of its link, and run this again.",
  ),
  skipped_node_older: skipped(
    "The node is of an older version, which does not know this check.",
    "Update the node to control's version.",
  ),
  check_silent: failed(
    "The node is up, was asked, and did not say in time what it found.",
    "See the node's log, and run this again. If it stays so, its link is slow or breaks.",
  ),
  check_busy: skipped("The node was still looking for somebody else.", "Run this again in a moment."),
  check_out_of_time: skipped(
    "The time of this run was over before its turn.",
    "Mend what does not answer, and run this again.",
  ),
  skipped_not_asked: skipped(
    "Another node answered here, which was not asked in this run: several share this address.",
    "Run this again: they take turns. Without --node all of them are asked.",
  ),
  skipped_plain: skipped(
    "Plain HTTP is spoken here, so there is no certificate.",
    "To have TLS, set consoleproxy.sslEnabled to true, or end TLS in a front proxy.",
  ),
  skipped_tls_ahead: skipped("TLS is ended by what stands in front: the node itself serves plain HTTP.", ""),
  skipped_same_clock: skipped("The database is embedded, and has control's own clock.", ""),
  skipped_no_domain: skipped(
    "Nodes are found by addresses: consoleproxy.url.domain names no domain.",
    "To give them names, see docs/operations/dns.md.",
  ),
  skipped_not_delegated: skipped(
    "The domain has no name servers of its own: its names stand in the zone above it.",
    "Whether they do, the lines of the names say. To have Porthole answer for them: docs/operations/dns.md.",
  ),
  skipped_no_hypervisors: skipped(
    "No running machine is registered for the pool of this node.",
    "Add one: porthole machine add",
  ),
  skipped_same_network: skipped(
    "Nodes are not at more private addresses than this page, so the browser asks for no permission.",
    "",
  ),
  skipped_other_origin: skipped(
    "This page was opened at another address than control's own, so nodes do not answer it.",
    "Open it at control's own address (--public-url), which is named here, or run: porthole doctor",
  ),
  skipped_permission_unknown: skipped(
    "This browser knows no permission for local networks, and so does not ask for it.",
    "",
  ),

  no_nodes: failed(
    "No console node has joined, so there is nowhere for a console to open.",
    "Let one join: porthole join-token create, and docs/operations/running.md.",
  ),
  pool_without_nodes: failed(
    "Machines are in this pool and no node is, so none of their consoles opens.",
    "Let a node join it: porthole join-token create --pool POOL. Where the name is wrong: porthole hypervisor update, or machine update, with --pool.",
  ),
  database_slow: warning(
    "The database takes long to answer, and every console waits for it.",
    "See to its load, its disk and the network between: docs/operations/database.md.",
  ),
  clock_off: warning(
    "The two clocks differ by more than half a minute.",
    "Set both by NTP (timedatectl set-ntp true). Certificates and times in logs are judged by them.",
  ),

  link_down: failed(
    "Nothing is heard of the node: it is down, or cannot reach control's link.",
    "See the node's log, and whether it reaches control's --link port: docs/operations/running.md.",
  ),
  link_never: failed(
    "The node has joined and has never registered.",
    "See the node's log. If it is gone for good: porthole node remove ID",
  ),
  link_stopped: skipped("The node has said that it stops.", "Start it again, or: porthole node remove ID"),
  link_refused: skipped("The node is revoked.", "It has to join again: porthole join-token create"),
  link_draining: warning(
    "The node is taken out of service, and is given no new consoles.",
    "To give it consoles again: porthole node start ID",
  ),
  link_version: warning(
    "The node and control are of different versions.",
    "Update whichever is older, control first: docs/operations/running.md.",
  ),
  certificate_refused: failed(
    "The node cannot load the certificate that it is to serve, and goes on with what it had.",
    "Upload another one: porthole certificate upload. The node's log has the whole reason.",
  ),
  certificate_missing: failed(
    "consoleproxy.sslEnabled is on, and the node has not said that it serves TLS.",
    "Wait a moment. If it stays so, see the node's log; a node of an older version serves no TLS.",
  ),

  name_unresolved: failed(
    "The name is not known to the resolver.",
    "Add it to your DNS, or delegate the domain to Porthole's name server: docs/operations/dns.md.",
  ),
  resolver_silent: failed(
    "The resolver does not answer for this name.",
    "See /etc/resolv.conf, and whether the name servers of the domain can be reached by UDP and TCP on port 53.",
  ),
  name_elsewhere: warning(
    "The name leads to another address than the node's own.",
    "Right where a NAT or a front proxy stands there. Otherwise mend the record: porthole dns zone",
  ),
  domain_not_delegated: warning(
    "The setting dns.name.servers names name servers of the domain, and the zone above it names none.",
    "Add NS records there: docs/operations/dns.md. Or, where others are to answer for these names, empty the setting.",
  ),
  domain_elsewhere: failed(
    "The domain's NS records do not name the name servers of the setting dns.name.servers.",
    "Make the NS records in the zone above it and the setting the same: docs/operations/dns.md.",
  ),

  connect_refused: failed(
    "Nobody listens there: the connection was refused.",
    "See that what is to listen there runs, and at that port; then the firewall.",
  ),
  connect_silent: failed(
    "Nothing answers a connection there in time.",
    "A firewall, a security group or a missing NAT rule drops it: let this port through.",
  ),
  connect_unreachable: failed(
    "There is no way to that address from here.",
    "See the routes, and whether IPv6 is in DNS without there being IPv6.",
  ),
  connect_cut: failed(
    "The connection was cut before there was an answer.",
    "See the log of what listens there; something between the two may also end it.",
  ),
  hairpin: warning(
    "The node does not reach its own public address.",
    "Right behind a NAT that sends nothing back inside. What counts is the same line from where people are.",
  ),

  tls_not_known_to_node: warning(
    "The node does not know the CA of the certificate at its public address.",
    "Right where that CA is known to browsers and not to servers. What counts is the same line from where people are.",
  ),
  tls_alone_to_node: warning(
    "The certificate at the node's public address was sent alone, and the node does not know who issued it.",
    "Serve the whole chain (certbot's fullchain.pem). Right only where the root of a CA has issued it that browsers know and servers do not.",
  ),
  tls_none: failed(
    "No TLS is spoken there, though the address begins with https.",
    "Give the port TLS, or let the front proxy end it there: docs/operations/tls.md.",
  ),
  tls_fails: failed(
    "The TLS handshake fails.",
    "See which versions and ciphers both ends speak: nodes speak TLS 1.2 and 1.3. A proxy may need the server's name.",
  ),
  tls_own_authority: warning(
    "The certificate is of the installation's own CA, which is not trusted here.",
    "Import it (porthole node authority > ca.pem), or upload a public one: porthole certificate upload.",
  ),
  tls_unknown_authority: failed(
    "The chain ends at a CA that is not trusted here.",
    "Import the root of that CA into browsers and this system, or upload a certificate of one that is trusted. Where its root is trusted already, an intermediate is missing: serve the whole chain.",
  ),
  tls_chain_incomplete: failed(
    "The certificate was sent alone: who issued it was not sent, and is not known here.",
    "Serve the whole chain (certbot's fullchain.pem), with every intermediate behind the certificate. Where the root of a CA of your own has issued it, import that root.",
  ),
  tls_unfit: failed(
    "A certificate of the chain is none that clients take; the reason stands beside it.",
    "Get another one, for servers and with keys and signatures that browsers take: docs/operations/certificates.md.",
  ),
  tls_self_signed: failed(
    "The certificate is signed by itself, and not trusted here.",
    "Put one of a CA in its place: porthole certificate upload, or in the front proxy.",
  ),
  tls_wrong_name: failed(
    "The certificate is not for this name.",
    "Get one with this name or a wildcard for it, or see which server answers there in place of Porthole.",
  ),
  tls_expired: failed("A certificate of the chain has ended.", "Renew it: docs/operations/certificates.md."),
  tls_not_yet: failed(
    "The certificate is not good yet.",
    "See the clock of this machine and of the one that made the certificate.",
  ),
  tls_ends_soon: warning(
    "The certificate ends soon.",
    "Renew it, or see why it was not renewed: docs/operations/certificates.md.",
  ),

  page_status: failed(
    "The console's page is answered with another status than 200.",
    "The front proxy must pass every path below /p/ to the nodes: docs/operations/front-proxy.md.",
  ),
  page_redirected: failed(
    "The console's page is redirected elsewhere.",
    "See where to. A node that serves TLS sends plain requests there: a proxy in front must then speak TLS to it.",
  ),
  page_other: failed(
    "Something answers there, and it is not a Porthole node.",
    "See what has that address and port: a front proxy's default site, or another service.",
  ),
  page_gateway: failed(
    "The front proxy says that it does not reach the node.",
    "See the addresses of nodes in the proxy's configuration, and whether they serve TLS or plain HTTP.",
  ),
  page_unreachable: failed(
    "The browser does not get the node's page, and does not say why.",
    "Open the address in a tab of its own to see the reason, or run: porthole doctor. By https it is most often the certificate: that of the installation's own CA, which the page Certificates has, is to be imported first.",
  ),
  page_unread: skipped(
    "The browser may not read what answers for the page. The WebSocket at the same place is a node's.",
    "A node of an older version answers so: update it. Otherwise a proxy takes out Access-Control-Allow-Origin.",
  ),
  script_missing: failed(
    "The part of this page that looks from the browser did not start.",
    "Reload the page. If it stays so, see the browser's console: an extension or a proxy before control withholds it.",
  ),
  mixed_content: warning(
    "This page came by https and the node speaks plain HTTP, so the browser lets neither see the other.",
    "Set consoleproxy.sslEnabled to true. Consoles open in tabs of their own, but not inside a page of https.",
  ),

  websocket_not_passed: failed(
    "What stands in front passes pages on, but not the WebSocket.",
    "For nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; with the map for it. See docs/operations/front-proxy.md.",
  ),
  websocket_gateway: failed(
    "The front proxy says that it does not reach the node's WebSocket.",
    "See the upstream of /websockify in the proxy's configuration, and whether it is to speak TLS to the node.",
  ),
  websocket_status: failed(
    "The WebSocket is refused with an HTTP status that is not Porthole's.",
    "See which server answers; access rules of a front proxy must let /websockify through.",
  ),
  websocket_silent: failed(
    "The WebSocket is not answered in time.",
    "A proxy that buffers answers, or inspects traffic, holds it back: proxy_buffering off; docs/operations/front-proxy.md.",
  ),
  websocket_other: failed(
    "A WebSocket opens there, and it is not a Porthole node's.",
    "See what has that address and port, and whether the proxy passes Sec-WebSocket-Protocol on.",
  ),
  websocket_unreachable: failed(
    "The browser cannot open the WebSocket, and does not say why.",
    "If the page's line is well, a proxy does not pass WebSockets. For the reason run: porthole doctor",
  ),
  websocket_origin: failed(
    "The node refuses WebSockets of pages at this origin.",
    "The proxy changes Origin, or the public address is another than the node knows: --public-url, or console.allowed.origins.",
  ),
  websocket_tls: failed(
    "The node serves TLS, and was asked for the WebSocket without.",
    "The proxy must speak TLS to it, or send X-Forwarded-Proto and stand in --trusted-proxies.",
  ),

  forwarding_untrusted: warning(
    "A proxy says whose requests it passes on, and the node does not believe it.",
    "Start nodes with --trusted-proxies ADDRESS of that proxy: docs/operations/front-proxy.md.",
  ),
  forwarding_missing: warning(
    "A trusted proxy does not say whose requests it passes on.",
    "Have it send X-Forwarded-For: proxy_set_header X-Forwarded-For $remote_addr; or the PROXY protocol.",
  ),
  forwarding_scheme: warning(
    "The page came by https as far as the proxy, and the proxy does not say so.",
    "Have it send X-Forwarded-Proto: proxy_set_header X-Forwarded-Proto $scheme;",
  ),
  forwarding_unknown: warning(
    "The node did not answer how the request reached it.",
    "See the lines of the page and of the node's link, and run this again.",
  ),

  hypervisor_unasked: failed(
    "Control could not learn from the hypervisor where this machine's screen is.",
    "See the reason and control's log, and whether control reaches the hypervisor and may ask it: porthole hypervisor test",
  ),
  hypervisor_unnamed: failed(
    "The node's resolver does not know the name of the hypervisor.",
    "Add it to the DNS that nodes ask, or use its address: porthole machine update --address",
  ),
  hypervisor_forbidden: failed(
    "The setting upstream.allow does not let nodes dial this address.",
    "If it is right, add its network: porthole setting set upstream.allow",
  ),
  hypervisor_reserved: failed(
    "It is an address of the node's own machine, of its own link or of a cloud's metadata, which nodes dial only where it is named.",
    "If it is right, add exactly this address, and no wider network: porthole setting set upstream.allow",
  ),
  hypervisor_is_porthole: failed(
    "It is an address at which Porthole itself listens.",
    "Correct the machine's address: porthole machine update --address",
  ),
  hypervisor_silent: failed(
    "It takes the connection and says nothing, though a VNC server speaks first.",
    "See whether the port is that of the machine's screen, and whether its server hangs or serves another.",
  ),
  hypervisor_other: failed(
    "What answers there is no VNC server.",
    "See the port: web and SSH servers answer otherwise. Mend it: porthole machine update --address",
  ),

  local_network_asks: warning(
    "The browser asks people before pages here may reach nodes at private addresses.",
    "Answer “Allow” when it does. For managed browsers: the policy LocalNetworkAccessAllowedForUrls.",
  ),
  local_network_denied: failed(
    "The browser does not let pages here reach nodes at private addresses.",
    "Allow “Local network access” in the site settings, or by the policy LocalNetworkAccessAllowedForUrls.",
  ),
  local_network_insecure: failed(
    "This page came without TLS, and only pages with TLS may ask to reach private addresses.",
    "Serve control by https: docs/operations/tls.md.",
  ),
} as const satisfies Readonly<Record<string, Words>>;

export type Finding = keyof typeof FINDINGS;

/** Every finding, in the order of the document. */
export const FINDING_NAMES = Object.keys(FINDINGS) as readonly Finding[];

export function isFinding(name: string): name is Finding {
  return Object.hasOwn(FINDINGS, name);
}

function ok(meaning: string): Words {
  return { result: "ok", meaning, remedy: "" };
}

function skipped(meaning: string, remedy: string): Words {
  return { result: "skipped", meaning, remedy };
}

function warning(meaning: string, remedy: string): Words {
  return { result: "warning", meaning, remedy };
}

function failed(meaning: string, remedy: string): Words {
  return { result: "failed", meaning, remedy };
}
