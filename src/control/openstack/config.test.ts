import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scratch } from "../../../test/harness/scratch.ts";
import { readNovaBehind } from "./config.ts";

const NONE = { novaCloud: null, novaVncCa: null, novaVncCertificate: null, novaVncKey: null };

test("without a cloud there is no Nova, and what belongs to one is refused", () => {
  assert.equal(readNovaBehind(NONE), undefined);
  assert.throws(() => readNovaBehind({ ...NONE, novaVncCa: "ca.pem" }), /need --nova-cloud/);
});

test("files are read at the start, and what is wrong with them is told at once", async () => {
  await using folder = scratch();
  const put = (name: string, text: string) => {
    writeFileSync(join(folder.path, name), text);
    return join(folder.path, name);
  };
  const auth = { endpoint: "http://127.0.0.1:9", token: "t" };
  const cloud = (rest: object) =>
    put("clouds.yaml", JSON.stringify({ clouds: { one: { auth_type: "admin_token", auth, ...rest } } }));
  put("ca.pem", "CA");
  const vnc = put("vnc.pem", "PEM");

  const behind = readNovaBehind({
    ...{ novaCloud: cloud({ cacert: "ca.pem" }), novaVncCa: vnc },
    ...{ novaVncCertificate: vnc, novaVncKey: vnc },
  });

  assert.equal(behind?.cloud.current.ca, "CA", "beside the file");
  assert.deepEqual(behind?.vnc, { ca: "PEM", client: { certificate: "PEM", key: "PEM" } });
  assert.throws(() => readNovaBehind({ ...NONE, novaCloud: cloud({ cacert: "gone.pem" }) }), /gone\.pem/);
  const lonely = { ...NONE, novaCloud: cloud({}), novaVncKey: join(folder.path, "gone") };
  assert.throws(() => readNovaBehind(lonely), /belong together[\s\S]*gone/);
});
