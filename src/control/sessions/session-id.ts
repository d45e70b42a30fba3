import type { Clock } from "#base/clock.ts";
import { drawRandom } from "#base/process/random.ts";

/** Bits of the counter that orders ids of one millisecond. */
const COUNTER_LIMIT = 0x1000;

/**
 * UUIDs of version 7 (RFC 9562 §5.7): they begin with the time, so their order is that of the sessions, and what is
 * asked of the newest sessions touches only one end of each index. An id is public and opens nothing.
 */
export function createSessionIds(clock: Clock): () => string {
  let lastMs = 0;
  let counter = 0;
  return () => {
    const now = clock.now();
    if (now > lastMs) {
      lastMs = now;
      counter = 0;
    } else if (++counter === COUNTER_LIMIT) {
      // More in one millisecond than there are numbers, or a clock that was set back: time is borrowed.
      lastMs += 1;
      counter = 0;
    }
    return format(lastMs, counter, drawRandom(8));
  };
}

function format(ms: number, counter: number, random: Buffer): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(ms, 0, 6); // unix_ts_ms
  bytes.writeUInt16BE(0x7000 | counter, 6); // version 7, rand_a
  random.copy(bytes, 8);
  bytes[8] = ((random[0] ?? 0) & 0x3f) | 0x80; // variant
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
