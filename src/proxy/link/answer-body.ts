import { once } from "node:events";
import type { IncomingMessage } from "node:http";

const limits = {
  /** What control answers over plain HTTPS is small: a certificate, or an error. */
  answerBytes: 64 * 1024,
} as const;

/** The body of an answer of control; undefined where it is not JSON. Rejects when it is too long, or breaks off. */
export async function answerBody(answer: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  answer.on("data", (chunk: Buffer) => {
    length += chunk.length;
    chunks.push(chunk);
    if (length > limits.answerBytes)
      answer.destroy(new Error(`answer longer than ${limits.answerBytes} bytes`));
  });
  await once(answer, "end");
  return parse(Buffer.concat(chunks).toString("utf8"));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
