import assert from "node:assert/strict";
import { test } from "node:test";
import { loadMeters } from "#base/process/admin/meters.ts";
import { PROCESS_METRICS } from "#base/process/admin/process-metrics.ts";
import { type TestNode, testControl } from "../../../test/harness/control.ts";
import { testCertificate } from "../../../test/harness/test-certificates.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createCertificatesInUse } from "../certificates/in-use.ts";
import { watchCertificates } from "./observe-certificates.ts";
import { CONTROL_METRICS } from "./table.ts";

const SECURE = { pageOrigin: "https://203.0.113.7", webSocketOrigin: "https://203.0.113.7" } as const;

for (const t of onBoth(
  "metrics tell when certificates end, the first of a pool's nodes for all, and how far nodes are",
  async () => {
    await using control = await testControl();
    const { store, installation } = control;
    const notAfter = Math.ceil(control.clock.now() / 1000) * 1000 + 3_600_000;
    const { pem, keyPem } = await testCertificate({ names: ["a.example.com"], notAfter });
    await control.services.certificates.upload(control.admin, { certificate: pem, privateKey: keyPem });
    const nodes: TestNode[] = [];
    for (let count = 0; count < 4; count++) nodes.push(await control.node({ secure: SECURE }));
    await control.node();
    const says = async (index: number, row: Readonly<Record<string, string | number | null>>) => {
      const { id = "", incarnation = "" } = nodes[index] ?? {};
      const set = { certificate_incarnation: incarnation, ...row };
      await store.db.updateTable("nodes").set(set).where("id", "=", id).execute();
    };
    await says(0, { certificate_id: "f", certificate_not_after: 2_000_000 });
    await says(1, { certificate_id: "f", certificate_not_after: 3_000_000 });
    await says(2, { certificate_id: "f", certificate_not_after: 3_000_000, certificate_refused: "chain f" });
    await says(3, { certificate_settled: 0 });
    const meters = await loadMeters({ ...PROCESS_METRICS, ...CONTROL_METRICS });

    watchCertificates(meters, {
      store,
      inUse: createCertificatesInUse(store, installation.authority.certificate),
    });
    const text = await meters.read();

    const told = (line: string) => assert.ok(text.includes(`${line}\n`), `${line}\n${text}`);
    told('porthole_certificate_end_time_seconds{kind="served",pool="default"} 2000');
    told(`porthole_certificate_end_time_seconds{kind="uploaded",pool="*"} ${notAfter / 1000}`);
    assert.match(text, /porthole_certificate_end_time_seconds\{kind="authority",pool="\*"\} \d{10}\n/);
    told('porthole_certificate_nodes{pool="default",state="serving"} 2');
    told('porthole_certificate_nodes{pool="default",state="refused"} 1');
    told('porthole_certificate_nodes{pool="default",state="waiting"} 1');
  },
))
  test(...t);
