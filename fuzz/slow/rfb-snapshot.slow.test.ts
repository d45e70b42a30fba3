import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("rfb-snapshot bears for minutes what nobody said", fuzzSlowly("rfb-snapshot"));
