import type { Store } from "../store/store.ts";
import type { ControlMeters } from "./observing.ts";

/** Adds how many hypervisors are heard from; read when it is asked for. */
export function watchHypervisors(meters: ControlMeters, { db }: Store): void {
  meters.onRead(async (set) => {
    const rows = await db
      .selectFrom("hypervisors")
      .select(["state", ({ fn }) => fn.countAll<number>().as("count")])
      .groupBy("state")
      .execute();
    const counts = { up: 0, down: 0, new: 0 };
    for (const { state, count } of rows) counts[state ?? "new"] = Number(count);
    for (const [state, count] of Object.entries(counts))
      set("porthole_control_hypervisors", count, { state });
  });
}
