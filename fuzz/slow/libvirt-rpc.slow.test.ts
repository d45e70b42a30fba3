import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("libvirt-rpc bears for minutes what nobody said", fuzzSlowly("libvirt-rpc"));
