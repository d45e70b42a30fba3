import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Bytes of buffers that something in this process still holds on to, with what is garbage left out. */
export function heldMemory(): number {
  collect();
  return process.memoryUsage().external;
}

/** All bytes, of objects too. */
export function heldBytes(): number {
  collect();
  const { external, heapUsed } = process.memoryUsage();
  return external + heapUsed;
}

function collect(): void {
  setFlagsFromString("--expose-gc");
  const run: () => void = runInNewContext("gc");
  run();
}
