/**
 * Every public error, once. API bodies, close frames, viewer texts and logs all take from this table, and
 * docs/errors.md is generated from it. `meaning` says what happened, `remedy` what to do next; both are whole
 * sentences for people. `close` is the WebSocket close code, `status` the HTTP status.
 */
interface CatalogueEntry {
  readonly status: number;
  readonly close: number;
  readonly retryable: boolean;
  readonly meaning: string;
  readonly remedy: string;
}

const OPEN_AGAIN = "Open the console again to get a new one.";
const ASK_OPERATOR = "Tell your operator, with the reference below.";

// biome-ignore format: one error a row reads as the table it is.
export const ERRORS = {
  // Tickets
  ticket_missing: entry(401, 4401, false, "This address needs a ticket, and none was given.", "Open the console from your machine list."),
  ticket_invalid: entry(401, 4402, false, "This link is damaged or was not made here.", OPEN_AGAIN),
  ticket_foreign: entry(404, 4404, false, "This link belongs to another console node, or to this one before it restarted.", OPEN_AGAIN),
  ticket_expired: entry(410, 4410, false, "This link is too old: a console link works only for a short time.", OPEN_AGAIN),
  ticket_used: entry(410, 4411, false, "This link was already used.", OPEN_AGAIN),
  extra_token_mismatch: entry(403, 4412, false, "The extra token does not fit this link.", "Use the extra token that the link was asked for with."),
  caller_address_mismatch: entry(403, 4413, false, "This link was made for another network address.", "Open it from where it was asked for, or open the console again."),
  origin_refused: entry(403, 4414, false, "A page of another site tried to open this console.", "Open the console from your machine list, or have the operator add the site to console.allowed.origins."),
  tls_required: entry(403, 4486, false, "This console node takes connections by TLS alone, and this one came without.", "Open the console again to get a link that begins with https://; other viewers have to connect by wss://."),
  access_withdrawn: entry(403, 4415, false, "You may no longer open this machine.", "Ask an administrator of its project."),
  reopen_invalid: entry(410, 4416, false, "This console can no longer be opened again from here.", "Open it from your machine list."),

  session_timeout: entry(408, 4418, true, "Nothing was shown or typed for so long that the console was ended.", "Open the console again, if you still need it."),
  session_idle: entry(408, 4419, true, "Nothing was typed or pointed at for so long that the console was ended.", "Open the console again, if you still need it."),
  session_ended: entry(410, 4417, true, "This console was ended from outside.", "Open the console again, if you still need it."),

  // The way from the node to the machine
  machine_gone: entry(404, 4420, false, "This machine no longer exists.", "Look for it in your machine list."),
  machine_not_running: entry(409, 4421, true, "This machine is not running, so it has no console.", "Start the machine, then open its console again."),
  machine_moved: entry(409, 4409, true, "This machine has moved: its console is at another place now.", "Open the console again; it is opened where the machine is."),
  upstream_contested: entry(502, 4408, true, "Two machines are said to have their console at the same place, so nobody can tell whose it is, and neither is opened.", "Try again in a moment; if it stays so, have an administrator look at where the consoles of both listen."),
  upstream_not_allowed: entry(502, 4430, false, "The machine's console address lies outside the networks that console nodes may reach.", "Have the operator add its network to upstream.allow."),
  upstream_address_reserved: entry(502, 4447, false, "The machine's console address is one that console nodes dial only where the operator names it, and no wider network is enough.", "Have an administrator check the machine's address; if it is right, have the operator add exactly this address to upstream.allow."),
  upstream_is_porthole: entry(502, 4448, false, "The machine's console address is one of Porthole's own.", "Have an administrator check the machine's address; if it is right, have the operator add exactly this address with this port to upstream.allow."),
  upstream_name_unresolved: entry(502, 4431, true, "The name of the machine's hypervisor could not be resolved.", ASK_OPERATOR),
  upstream_connection_refused: entry(502, 4432, true, "The hypervisor refused the connection: nothing listens on the machine's console port.", "See whether the machine runs, then try again."),
  upstream_unreachable: entry(502, 4433, true, "The hypervisor cannot be reached.", ASK_OPERATOR),
  upstream_timeout: entry(504, 4434, true, "The hypervisor did not answer in time.", "Try again; if it stays so, tell your operator."),
  upstream_websocket_refused: entry(502, 4449, false, "The hypervisor did not open a WebSocket at the machine's console address.", "Have an administrator check the address, its path and its port; the server there has to speak WebSocket with the sub-protocol binary."),
  upstream_not_rfb: entry(502, 4435, false, "What answers on the machine's console port does not speak RFB (VNC).", ASK_OPERATOR),
  upstream_security_unsupported: entry(502, 4436, false, "The hypervisor offers only ways to sign in that are not supported.", ASK_OPERATOR),
  upstream_password_missing: entry(502, 4442, false, "The hypervisor asks for a console password, and none is on record for this machine.", "Have an administrator set it, with “porthole machine update”."),
  upstream_password_not_asked: entry(502, 4443, false, "The hypervisor opens this console without the password that is on record, so it may not be the machine that was meant.", "Have an administrator check the machine's address, or remove the password with “porthole machine update --no-password”."),
  upstream_username_missing: entry(502, 4422, false, "The hypervisor asks for a user name, and none is on record for this machine.", "Have an administrator set it, with “porthole machine update --username”."),
  upstream_username_not_asked: entry(502, 4423, false, "The hypervisor does not ask for the user name that is on record, so it may not be the machine that was meant.", "Have an administrator check the machine's address, or remove the user name with “porthole machine update --no-username”."),
  upstream_tls_needed: entry(502, 4424, false, "The hypervisor takes this console by TLS alone, and nothing is on record of how to know its certificate.", "Have an administrator set it, with “porthole machine update --tls verify”."),
  upstream_tls_not_offered: entry(502, 4425, false, "The hypervisor offers this console without TLS, which is demanded for this machine; somebody in between may have taken the offer away.", "Have an administrator look at the hypervisor's configuration and at the way to it; nothing was said to it."),
  upstream_tls_anonymous: entry(502, 4426, false, "The hypervisor offers TLS without a certificate alone, so nobody can tell whose it is; somebody in between may have taken the rest of the offer away.", "Have an administrator give the hypervisor a certificate, or allow this with “porthole machine update --tls insecure”."),
  upstream_tls_failed: entry(502, 4427, true, "The hypervisor and the console node found no way to speak TLS with each other.", ASK_OPERATOR),
  upstream_certificate_unknown: entry(502, 4428, false, "The hypervisor's certificate comes from no authority that is trusted for this machine, so it may be somebody else.", "Have an administrator set the authority with “porthole machine update --tls verify --ca-file”, or pin the certificate."),
  upstream_certificate_expired: entry(502, 4429, false, "The hypervisor's certificate has expired, or is not valid yet.", "Have the operator renew it, and look at the clocks of both."),
  upstream_certificate_name: entry(502, 4444, false, "The hypervisor's certificate is for another name, so it may be somebody else.", "Have an administrator check the machine's address, or set the name with “porthole machine update --tls verify --server-name”."),
  upstream_certificate_changed: entry(502, 4445, false, "The hypervisor's certificate is not the one that is pinned for this machine, so it may be somebody else.", "If the certificate was renewed, have an administrator pin the new one with “porthole machine update --tls pin --pin”."),
  upstream_ra2_not_offered: entry(502, 4459, false, "The hypervisor does not offer RA2, by whose key this machine is known; somebody in between may have taken the offer away.", "Have an administrator look at the hypervisor's configuration and at the way to it; nothing was said to it."),
  upstream_key_changed: entry(502, 4488, false, "The hypervisor's RSA key is not the one that is pinned for this machine, so it may be somebody else.", "If the key was made anew, have an administrator pin the new one with “porthole machine update --tls pin --pin ra2:…”."),
  upstream_client_certificate: entry(502, 4446, false, "The hypervisor did not accept the client certificate that is on record for this machine, or asks for one where there is none.", "Have an administrator set one that the hypervisor trusts, with “porthole machine update --client-cert --client-key”."),
  upstream_authentication_failed: entry(502, 4437, false, "The hypervisor did not accept the console password that is on record.", ASK_OPERATOR),
  upstream_password_paced: entry(429, 4458, true, "Nobody knows whether the hypervisor accepts the console password on record, or it has not several times, so it is asked by few at once and not again for a while: some shut everybody out after five wrong passwords.", "Try again after what the reason says. Where the password is wrong, have an administrator set the right one with “porthole machine update --password-file”: that is tried at once."),
  upstream_busy: entry(503, 4512, true, "So many were opening this machine's console at once that it was not this one's turn in time.", "Try again in a moment."),
  upstream_refused: entry(502, 4438, true, "The hypervisor refused to open the console.", "Try again; if it stays so, tell your operator."),
  upstream_consoles_exhausted: entry(503, 4510, true, "The hypervisor opens no further console of this machine: as many are open as it allows.", "Close the console that is open elsewhere, at the hypervisor's own tools perhaps, then try again; or have the operator raise the limit."),
  upstream_ticket_refused: entry(502, 4511, true, "The hypervisor does not know the ticket that it gave for this console: the machine has just moved to another host or stopped, or the ticket was not used in time.", "Open the console again: that asks the hypervisor for another ticket."),
  upstream_not_spice: entry(502, 4523, false, "What answers on the machine's console port does not speak SPICE.", ASK_OPERATOR),
  upstream_not_authd: entry(502, 4521, false, "What answers at the ESXi host's port does not speak as VMware's authd does.", ASK_OPERATOR),
  upstream_certificate_unvouched: entry(502, 4522, true, "The ESXi host's certificate is not the one that is named for this console, so it may be somebody else.", "Open the console again; if it stays so, have the operator look at the host's certificate."),
  upstream_line_busy: entry(409, 4524, true, "Somebody has this machine's serial line open at its hypervisor already, and it bears one connection.", "Have it closed there, then open it again. A node that has just failed may have it for half a minute yet."),
  upstream_line_taken: entry(409, 4525, true, "The hypervisor took this serial line away: somebody has opened it there.", "Ask who works at the machine, then open it again."),
  upstream_protocol_error: entry(502, 4439, true, "The hypervisor sent something that the console's protocol does not allow.", ASK_OPERATOR),
  upstream_closed: entry(502, 4440, true, "The hypervisor closed the console.", "See whether the machine still runs, then open it again."),
  upstream_lost: entry(502, 4441, true, "The connection to the hypervisor broke.", "Open the console again."),

  // In front of a Nova
  nova_unreachable: entry(503, 4517, true, "The Nova that gave out this console did not answer, so its token could not be checked.", "Try again in a moment; if it stays so, tell your operator."),
  nova_refused: entry(502, 4518, false, "The Nova that gave out this console does not answer Porthole's questions about its tokens.", "Tell your operator: the account by which Porthole asks Nova must be an administrator's."),
  nova_console_unfit: entry(502, 4519, false, "Nova gave out a console of another kind than this address serves.", "Tell your operator: each kind of console has an address of its own in Nova's configuration."),
  spice_in_use: entry(409, 4520, true, "This link's console is open already, and SPICE has one viewer at a time.", "Close the page in which it is open, then open the console again."),

  // What control orders of a hypervisor
  no_hypervisor: entry(409, 4501, false, "This machine was registered by hand, so no hypervisor is known that could be asked.", "Start or stop it where it is managed; what it shows, its console shows."),
  hypervisor_read_only: entry(409, 4489, false, "The machine's hypervisor is registered to show only, so nothing is asked of it.", "Start or stop the machine where it is managed, or have an administrator register the hypervisor without “--read-only”."),
  power_unfit: entry(409, 4497, false, "The machine is not in a state for that: what runs cannot be started, and what does not run can only be started.", "Look at the machine's state, which may have changed since."),
  hypervisor_unreachable: entry(502, 4498, true, "The machine's hypervisor cannot be reached, so nothing was asked of it.", "Try again; if it stays so, tell your operator."),
  hypervisor_refused: entry(502, 4499, true, "The machine's hypervisor did not do what it was asked for.", "Try again; if it stays so, tell your operator."),

  // The way from the viewer to the node
  viewer_closed: entry(499, 4450, true, "You closed the console.", "Open it again when you need it."),
  viewer_lost: entry(499, 4451, true, "The connection between your browser and the console node broke.", "Check your network, then open the console again."),
  viewer_timeout: entry(408, 4452, true, "The viewer did not finish its handshake in time.", "Open the console again."),
  viewer_protocol_error: entry(400, 4453, false, "The viewer sent something that the console's protocol does not allow.", "Open the console with its own page, or use another viewer: for a screen one that speaks RFB 3.3, 3.7 or 3.8 (VNC)."),
  subprotocol_unsupported: entry(400, 4454, false, "The viewer asked for WebSocket sub-protocols that are not spoken here.", "Ask for porthole.v1, for binary, or for none."),

  // Said by the viewer itself, when no node could say anything
  node_unreachable: entry(503, 4455, true, "Your browser cannot reach the console node.", "Check your network, then open the console again."),
  websocket_blocked: entry(502, 4456, true, "The console node answers, but something on the way does not let WebSockets through.", "Tell your operator: the reverse proxy or firewall before the node must pass WebSockets."),
  viewer_incomplete: entry(500, 4457, true, "A part of the viewer could not be loaded.", "Check your network, then open the console again."),

  // The installation
  node_full: entry(503, 4460, true, "This console node carries as many consoles as it can.", "Try again in a moment."),
  node_stopping: entry(503, 4461, true, "The console node was stopped by its operator.", "Open the console again."),
  node_restarting: entry(503, 4485, true, "The console node is being restarted by its operator.", "Open the console again: another console node takes it, or this one when it is back."),
  node_draining: entry(503, 4469, true, "The console node is being taken out of service.", "Open the console again: another console node takes it."),
  node_lost: entry(503, 4462, true, "The console node that carried this console went away.", "Open the console again."),
  node_revoked: entry(503, 4467, true, "The console node that carried this console was taken out of service.", "Open the console again."),
  machine_busy: entry(409, 4468, true, "This console takes one viewer at a time, and the console node that holds it cannot be reached or has no room.", "Wait until the other console is closed, then open this one again; if it stays so, tell your operator."),
  console_unavailable: entry(409, 4513, false, "This machine has no console of that kind.", "Open another one; a serial line has to be in its definition, or on record with “porthole machine update --serial-address”."),
  line_full: entry(409, 4514, true, "As many are at this serial line as may be at once.", "Wait until one of them leaves it, then open it again."),
  line_closed: entry(409, 4516, true, "Nobody has this serial line open, and what a machine says while nobody is there is kept nowhere.", "Open its serial console, and ask again while it is open."),
  no_node_available: entry(503, 4463, true, "No console node is ready to take this console.", "Try again in a moment; if it stays so, tell your operator."),
  node_away: entry(503, 4466, true, "The console node that this link belongs to does not answer, so the link was not used.", "Try again in a moment; if it stays so, open the console again from your machine list."),
  control_unreachable: entry(503, 4464, true, "The control plane did not answer, so the link could not be checked.", "Try again in a moment."),
  database_unavailable: entry(503, 4465, true, "The control plane cannot reach its database.", "Try again in a moment; if it stays so, tell your operator."),
  internal: entry(500, 4500, true, "Something went wrong inside Porthole.", ASK_OPERATOR),

  // The API
  request_invalid: entry(400, 4470, false, "The request is not valid.", "Compare it with the API's documentation; the native one's is at /api/v1/openapi.json."),
  unauthenticated: entry(401, 4471, false, "The request carries no valid credential.", "Sign in, or send an API key and its secret key."),
  forbidden: entry(403, 4472, false, "This account may not do that.", "Ask an administrator."),
  not_found: entry(404, 4473, false, "There is nothing here, or it is not yours to see.", "Check the name or the id."),
  method_not_allowed: entry(405, 4474, false, "This address does not take that method.", "Compare the request with /api/v1/openapi.json."),
  request_timeout: entry(408, 4483, true, "The request did not arrive in time.", "Check your network, then try again."),
  conflict: entry(409, 4475, false, "Something that exists already stands in the way.", "Choose another name, or remove what stands in the way first."),
  certificate_refused: entry(400, 4487, false, "The certificate cannot be used.", "Mend all that is named, then upload it again; what was in use stays in use."),
  limit_reached: entry(409, 4482, false, "There are as many of these as there may be.", "Remove one that is not needed any more, then try again."),
  body_too_large: entry(413, 4476, false, "The request is larger than is taken here.", "Send less at once."),
  headers_too_large: entry(431, 4484, false, "The request's headers are longer, or more, than are taken here.", "Send fewer and shorter ones; mostly it is cookies."),
  media_type_unsupported: entry(415, 4477, false, "The request's content type is not taken here.", "Send application/json."),
  host_unknown: entry(421, 4478, false, "This server is not known by that name.", "Use the address that the server printed at its start, or set its public URL."),
  rate_limited: entry(429, 4479, true, "Too many requests came from there.", "Wait a minute, then try again."),
  sign_in_code_invalid: entry(401, 4480, false, "This sign-in link was already used, or is too old.", "Restart Porthole, or run “porthole account sign-in-link”, to get a new one."),
  extra_token_required: entry(400, 4481, false, "This installation demands an extra token with every console.", "Send one, and give it to the viewer apart from the link."),

  // The node link
  join_token_invalid: entry(401, 4490, false, "The join token is wrong, used up or expired.", "Make a new one with “porthole join-token create”."),
  kubernetes_unavailable: entry(503, 4494, true, "The Kubernetes API could not be asked whether this node may join.", "See in control's log why, then try again."),
  node_refused: entry(403, 4491, false, "This certificate is not that of a node of this installation, or was revoked.", "Let the node join again with a new join token."),
  node_forgotten: entry(403, 4496, false, "The control plane does not know this console node any more: it was removed, or is younger than the backup that was restored.", "Let the node join again with a new join token."),
  address_taken: entry(409, 4493, false, "Another console node already has this public address.", "Give each node a --public-address of its own; or, where a front proxy spreads viewers over several nodes, start each of them with --behind-proxy."),
  no_public_address: entry(409, 4495, false, "This console node has no public address of its own, and its pool has none left to give it.", "Add a range to the pool with “porthole public-ip-range add”, forget nodes that are gone with “porthole node remove”, or give the node a --public-address."),
  node_superseded: entry(409, 4492, false, "A newer start of this node has taken its place.", "Stop the older process."),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERRORS;

export const ERROR_CODES = Object.keys(ERRORS) as readonly ErrorCode[];

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(ERRORS, value);
}

function entry(
  status: number,
  close: number,
  retryable: boolean,
  meaning: string,
  remedy: string,
): CatalogueEntry {
  return { status, close, retryable, meaning, remedy };
}
