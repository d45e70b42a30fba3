import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("command-answer bears for minutes what nobody said", fuzzSlowly("command-answer"));
