import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("serial-telnet bears for minutes what nobody said", fuzzSlowly("serial-telnet"));
