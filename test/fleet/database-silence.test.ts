import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { ERRORS } from "#wire/errors.ts";
import { openWay } from "../harness/cut.ts";
import { eventually } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet.ts";
import { lackingPostgres } from "../harness/postgres.ts";
import { createDatabase } from "../harness/shared-postgres.ts";

const { status } = ERRORS.database_unavailable;
/** More than there are connections to the database. */
const CALLS = 40;

test("a database that takes connections and says nothing is told of, costs no link, and is used again", {
  skip: lackingPostgres,
}, async () => {
  const database = await createDatabase();
  const url = new URL(database.url.expose());
  await using toDatabase = await openWay(Number(url.port));
  url.port = String(toDatabase.port);
  await using fleet = await startFleet(1, { ...database, url: new Secret(url.href) });
  const [replica] = fleet.replicas;
  assert.ok(replica !== undefined);
  await using toControl = await openWay(Number(new URL(replica.link).port));
  const node = await fleet.node({ links: [`https://127.0.0.1:${toControl.port}`] });
  const { viewer, sessionId } = await fleet.open();
  await fleet.untilState(sessionId, "active");
  const links = toControl.opened;

  toDatabase.cut("silent");
  const calls = Array.from({ length: CALLS }, async () => await fleet.api().machines());
  const told = await Promise.allSettled(calls);

  for (const call of told)
    assert.match(
      call.status === "rejected" ? String(call.reason) : "answered",
      new RegExp(`${status}.*database_unavailable`),
    );
  await eventually(() => assert.match(node.process.stderr.text, /Control does not answer as it should/));
  assert.deepEqual([viewer.closed, toControl.opened], [undefined, links]);

  toDatabase.mend();
  await eventually(async () => assert.equal((await fleet.api().machines()).length, 1));
  await eventually(() => assert.match(node.process.stderr.text, /Control answers again/));
  const another = await eventually(async () => await fleet.open());
  await fleet.untilState(another.sessionId, "active");
  assert.deepEqual([viewer.closed, toControl.opened], [undefined, links], "the link was never cut");
  await fleet.untilState(sessionId, "active");
});
