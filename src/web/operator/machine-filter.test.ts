import assert from "node:assert/strict";
import { test } from "node:test";
import type { Machine } from "#wire/api.ts";
import { filterMachines } from "./machine-filter.ts";

function machine(name: string, project: string): Machine {
  return {
    id: name,
    name,
    project,
    projectId: project,
    protocol: "rfb",
    state: "running",
    createdAt: "2026-11-22T00:00:00Z",
  };
}

const MACHINES = [machine("web-1", "Shop"), machine("Web-2", "Blog"), machine("büro", "Shop")];
const names = (filter: string) => filterMachines(MACHINES, filter).map(({ name }) => name);

test("an empty filter lets everything through", () => {
  assert.deepEqual(names(""), ["web-1", "Web-2", "büro"]);
  assert.deepEqual(names("  "), ["web-1", "Web-2", "büro"]);
});

test("it looks for a hypervisor's name as well, where one is told", () => {
  const onHost = { ...machine("db", "Shop"), hypervisor: { id: "1", name: "host7" } };

  assert.deepEqual(filterMachines([...MACHINES, onHost], "HOST7 shop"), [onHost]);
});

test("it looks into name and project, whatever the case", () => {
  assert.deepEqual(names("WEB"), ["web-1", "Web-2"]);
  assert.deepEqual(names("shop"), ["web-1", "büro"]);
});

test("every word must be found, anywhere", () => {
  assert.deepEqual(names("shop web"), ["web-1"]);
  assert.deepEqual(names("shop blog"), []);
});

test("accents do not stand in the way", () => {
  assert.deepEqual(names("buro"), ["büro"]);
});
