import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("rfb-tight bears for minutes what nobody said", fuzzSlowly("rfb-tight"));
