import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("rfb-ra2 bears for minutes what nobody said", fuzzSlowly("rfb-ra2"));
