import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("screenshot bears for minutes what nobody said", fuzzSlowly("screenshot"));
