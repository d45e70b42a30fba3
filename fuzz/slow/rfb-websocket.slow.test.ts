import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("rfb-websocket bears for minutes what nobody said", fuzzSlowly("rfb-websocket"));
