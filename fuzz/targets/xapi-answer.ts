import { HypervisorError } from "#hypervisors/hypervisor-error.ts";
import { readAnswer, XapiError } from "#hypervisors/xenserver/json-rpc.ts";
import { read } from "#hypervisors/xenserver/records.ts";
import { ascii, type Target } from "../target.ts";
import { told } from "./told.ts";

/** By the first byte of an input. */
const READERS = Object.values(read);

/** What XAPI answers, and in it what is taken of it. It is read once it is whole. */
export const xapiAnswer: Target = {
  name: "xapi-answer",
  words: ascii(
    ...[
      '{"jsonrpc":"2.0","id":0,"result":',
      '{"jsonrpc":"2.0","error":{"code":1,"message":"SESSION_INVALID",',
    ],
    ...[
      '"data":["OpaqueRef:NULL"]',
      '"OpaqueRef:0":{',
      '"OpaqueRef:"',
      '"uuid":',
      '"__proto__":{}',
      "\\u0000",
    ],
    ...[
      '"events":[{"class":"vm","operation":"mod","ref":"x","snapshot":{}}]',
      '"token":"1,0"',
      "1e999",
      "null",
    ],
  ),
  maxBytes: 64 * 1024,
  run(input) {
    try {
      const result = readAnswer(input.subarray(1));
      return told(READERS[(input[0] ?? 0) % READERS.length]?.(result));
    } catch (error) {
      if (error instanceof HypervisorError || error instanceof XapiError) return error.message;
      throw error;
    }
  },
};
