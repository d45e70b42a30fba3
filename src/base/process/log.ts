import { type Logger, pino } from "pino";

export type Log = Logger;

const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((candidate) => candidate === text);
  if (level === undefined) throw new Error(`must be one of ${LOG_LEVELS.join(", ")}`);
  return level;
}

/**
 * Structured logs, one JSON object a line, on standard error. Written synchronously: a line that explains
 * a crash must not be lost with the process.
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
    pino.destination({ dest: 2, sync: true }),
  );
}
