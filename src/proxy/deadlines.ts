/** How long each step of a console may take, in milliseconds. One value, so that a test can be impatient. */
export interface Deadlines {
  /** From a connection to the first byte of a request. Longer than any way there and back, and browsers connect ahead. */
  readonly firstByteMs: number;
  /** A browser's TLS handshake. */
  readonly tlsHandshakeMs: number;
  /** From a request to the end of its answer: for the viewer's largest file, over the slowest line. */
  readonly answerMs: number;
  /** From the upgrade to the viewer's version, and again from our offer to its ClientInit. */
  readonly viewerHandshakeMs: number;
  /** All that it takes to get to a console: resolving its name, connecting, TLS, and signing in up to ServerInit. */
  readonly upstreamMs: number;
  /** Control's answer to a redemption, during which the viewer waits for its upgrade. */
  readonly redeemMs: number;
  /** Control's answer to why a console has closed, while its viewer waits. Control asks the machine's hypervisor within it. */
  readonly whyMs: number;
  /** Control's answer to an order to a hypervisor, which control itself gives up earlier. */
  readonly powerMs: number;
  /** To reach another node that a connection is handed on to, and to know it. */
  readonly forwardMs: number;
  /** Between saying that a session is over and cutting whoever does not let go. */
  readonly closingMs: number;
  /** Between two pings of one viewer. */
  readonly pingMs: number;
  /** Pings that may stay unanswered, of those that were sent and whose answer could be heard: then the viewer is lost. */
  readonly unansweredPings: number;
  /** How long an end of an open console may take nothing of what waits for it. Looked at with the pings. */
  readonly standstillMs: number;
  /** For a node that stops: to send its last reports. */
  readonly lastReportsMs: number;
}

export const DEADLINES: Deadlines = {
  firstByteMs: 3_000,
  tlsHandshakeMs: 10_000,
  answerMs: 60_000,
  viewerHandshakeMs: 10_000,
  upstreamMs: 15_000,
  redeemMs: 10_000,
  whyMs: 8_000,
  powerMs: 20_000,
  forwardMs: 5_000,
  closingMs: 3_000,
  pingMs: 20_000,
  unansweredPings: 2,
  standstillMs: 60_000,
  lastReportsMs: 3_000,
};

/**
 * With another interval between pings, for the sake of a proxy that cuts who is quiet. A viewer is given up no sooner for it: a
 * line that is away for some seconds is no reason.
 */
export function pingingEvery(intervalMs: number, deadlines: Deadlines = DEADLINES): Deadlines {
  const patienceMs = deadlines.unansweredPings * deadlines.pingMs;
  const unansweredPings = Math.max(deadlines.unansweredPings, Math.ceil(patienceMs / intervalMs));
  return { ...deadlines, pingMs: intervalMs, unansweredPings };
}
