import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("libvirt-console bears for minutes what nobody said", fuzzSlowly("libvirt-console"));
