import assert from "node:assert/strict";

/** What a process tells at `/metrics`, by name and labels: `name{label="value"}`. */
export type Metrics = ReadonlyMap<string, number>;

export async function readMetrics(admin: string | undefined): Promise<Metrics> {
  const response = await fetch(`${admin}/metrics`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const [, name = "", value] = /^(.+) (\S+)$/.exec(line) ?? assert.fail(line);
      return [name, Number(value)];
    }),
  );
}
