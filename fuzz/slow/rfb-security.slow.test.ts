import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("rfb-security bears for minutes what nobody said", fuzzSlowly("rfb-security"));
