import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("mks-authd bears for minutes what nobody said", fuzzSlowly("mks-authd"));
