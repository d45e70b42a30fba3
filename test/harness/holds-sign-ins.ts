import { WorkersSignIns } from "../../src/proxy/sign-ins/workers-sign-ins.ts";

// A worker that signs in at four consoles of one server, and is never done. Started by its test, with a channel.

const signIns = new WorkersSignIns(process);
const waiting = { signal: new AbortController().signal, onWait: () => {} };
let entered = 0;
const hold = async () => {
  entered += 1;
  if (entered === 4) process.send?.("entered");
  await new Promise<never>(() => {});
};
for (let time = 0; time < 4; time += 1) void signIns.take("127.0.0.1 5900", hold, waiting);
