/** Asks a name server by UDP, from as many networks as a crowd of resolvers would be in, and takes the time of each answer. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { encode } from "dns-packet";
import { quantile } from "../measure/statistics.ts";
import { serve } from "./remote.ts";

export interface AskerCommands {
  /** Opens sockets towards a server, and resolves when it has answered. */
  open(options: { readonly port: number; readonly names: readonly string[] }): Promise<unknown>;
  /** Each socket asks again as soon as it is answered. */
  askAllTheTime(options: { readonly seconds: number }): Promise<Asked>;
  /** So many a second, answered or not; the time of each counts from when it was due. */
  askAtRate(options: { readonly seconds: number; readonly perSecond: number }): Promise<Asked>;
}

export interface Asked {
  readonly answers: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

const HOST = "127.0.0.1";
/** Each is of another /24, or the server would limit what it sends to the one. */
const SOCKETS = 64;
const IDS = 65_536;
/** Questions that are due and sent one behind the other, before answers are read again. */
const BURST = 32;
/** A socket whose datagram was lost asks again. */
const PATIENCE_MS = 250;

let asking: Asker[] = [];
let next = 0;

serve<AskerCommands>({
  open: async ({ port, names }) => {
    const questions = names.map((name) => encode({ type: "query", questions: [{ name, type: "A" }] }));
    asking = await Promise.all(
      Array.from({ length: SOCKETS }, (_, index) => openAsker(index, { port, questions })),
    );
    await untilAnswered();
  },
  askAllTheTime: async ({ seconds }) =>
    await measure(seconds, (times) => {
      for (const asker of asking) {
        asker.onAnswer = (ms) => {
          times.push(ms);
          asker.ask(performance.now());
        };
        asker.ask(performance.now());
      }
      const impatient = setInterval(() => {
        for (const asker of asking)
          if (performance.now() - asker.askedAt > PATIENCE_MS) asker.ask(performance.now());
      }, PATIENCE_MS);
      return () => clearInterval(impatient);
    }),
  askAtRate: async ({ seconds, perSecond }) =>
    await measure(seconds, (times) => {
      for (const asker of asking) asker.onAnswer = (ms) => times.push(ms);
      const began = performance.now();
      let sent = 0;
      let isOver = false;
      const send = () => {
        if (isOver) return;
        const due = ((performance.now() - began) * perSecond) / 1000;
        for (let burst = 0; burst < BURST && sent < due; burst += 1, sent += 1)
          asking[sent % asking.length]?.ask(began + (sent * 1000) / perSecond);
        setImmediate(send);
      };
      send();
      return () => {
        isOver = true;
      };
    }),
});

async function measure(seconds: number, begin: (times: number[]) => () => void): Promise<Asked> {
  const times: number[] = [];
  const began = performance.now();
  const end = begin(times);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const took = (performance.now() - began) / 1000;
  end();
  for (const asker of asking) asker.onAnswer = () => {};
  const sorted = times.toSorted((a, b) => a - b);
  return {
    answers: times.length,
    seconds: took,
    p50Ms: quantile(sorted, 0.5),
    p95Ms: quantile(sorted, 0.95),
    p99Ms: quantile(sorted, 0.99),
  };
}

interface Asker {
  askedAt: number;
  onAnswer: (ms: number) => void;
  ask(due: number): void;
}

async function openAsker(
  index: number,
  { port, questions }: { readonly port: number; readonly questions: readonly Buffer[] },
): Promise<Asker> {
  const lookup = (
    address: string,
    _options: unknown,
    done: (error: null, address: string, family: number) => void,
  ) => done(null, address, 4);
  const socket: Socket = createSocket({ type: "udp4", lookup });
  const due = new Float64Array(IDS);
  let id = index;
  const asker: Asker = {
    askedAt: 0,
    onAnswer: () => {},
    ask(at) {
      const question = questions[next++ % questions.length];
      if (question === undefined) return;
      id = (id + 1) % IDS;
      question.writeUInt16BE(id, 0);
      due[id] = at;
      asker.askedAt = performance.now();
      socket.send(question, 0, question.length, port, HOST);
    },
  };
  socket.on("message", (message) => {
    // Only what has one record is the answer that was asked for.
    if (message.readUInt16BE(6) === 1)
      asker.onAnswer(performance.now() - (due[message.readUInt16BE(0)] ?? 0));
  });
  const listening = once(socket, "listening");
  socket.bind(0, `127.80.${index}.1`);
  await listening;
  return asker;
}

async function untilAnswered(): Promise<void> {
  const [first] = asking;
  if (first === undefined) throw new Error("there is nobody to ask");
  const answered = new Promise<void>((resolve) => {
    first.onAnswer = () => resolve();
  });
  const again = setInterval(() => first.ask(performance.now()), PATIENCE_MS);
  await answered;
  clearInterval(again);
}
