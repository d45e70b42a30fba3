import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("xapi-answer bears for minutes what nobody said", fuzzSlowly("xapi-answer"));
