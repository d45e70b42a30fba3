/**
 * Where an order is.
 *
 * `ordered`: written down; whether the launcher has begun is not known. `launched`: the launcher has it, its node has not
 * joined. `joined`: it has a node. `leaving`: its node is being emptied, to be taken away. `removing`: what is left of it
 * is being destroyed. `gone`: nothing is left.
 */
export const LAUNCH_STATES = ["ordered", "launched", "joined", "leaving", "removing", "gone"] as const;
export type LaunchState = (typeof LAUNCH_STATES)[number];
