import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("http-connect bears for minutes what nobody said", fuzzSlowly("http-connect"));
