import { test } from "node:test";
import { fuzzSlowly } from "./fuzz-slowly.ts";

test("proxmox-answer bears for minutes what nobody said", fuzzSlowly("proxmox-answer"));
