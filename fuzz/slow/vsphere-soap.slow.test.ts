import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("vsphere-soap bears for minutes what nobody said", fuzzSlowly("vsphere-soap"));
