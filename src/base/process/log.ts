import { type DestinationStream, type Logger, pino } from "pino";
import { Batch } from "./batch.ts";

export type Log = Logger;

const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((candidate) => candidate === text);
  if (level === undefined) throw new Error(`must be one of ${LOG_LEVELS.join(", ")}`);
  return level;
}

/**
 * Structured logs, one JSON object a line, on standard error. What is logged in one turn of the event loop is written
 * at its end, or at the process's: a line that explains a crash must not be lost with the process.
 */
export function createLog(role: string, level: LogLevel): Log {
  return pino(
    {
      name: role,
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      errorKey: "error",
    },
    writtenByTurns(pino.destination({ dest: 2, sync: true, minLength: BUFFERED_CHARACTERS })),
  );
}

/** Written earlier than at the end of the turn, where there is more. */
const BUFFERED_CHARACTERS = 8 * 1024;

function writtenByTurns(destination: ReturnType<typeof pino.destination>): DestinationStream {
  const turn = new Batch<void>(() => destination.flushSync());
  process.on("exit", () => destination.flushSync());
  return {
    write(line) {
      destination.write(line);
      turn.add();
    },
  };
}
