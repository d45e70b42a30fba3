import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("kubevirt-answer bears for minutes what nobody said", fuzzSlowly("kubevirt-answer"));
