import { randomFillSync } from "node:crypto";

const POOL_BYTES = 4096;

const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/**
 * Random bytes fit for secrets, at most as many as the pool has. Drawn from the system by the page: to ask it for each
 * dozen of bytes costs more than what is done with them. None is given out twice, nor left in the pool.
 */
export function drawRandom(bytes: number): Buffer {
  if (bytes > POOL_BYTES) throw new RangeError(`at most ${POOL_BYTES} random bytes`);
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const drawn = Buffer.alloc(bytes); // Its own memory: secrets do not get into the one that small buffers share.
  pool.copy(drawn, 0, used, used + bytes);
  pool.fill(0, used, used + bytes);
  used += bytes;
  return drawn;
}
