import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("rfb-vencrypt bears for minutes what nobody said", fuzzSlowly("rfb-vencrypt"));
