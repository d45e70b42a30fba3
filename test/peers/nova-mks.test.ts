import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually } from "../harness/eventually.ts";
import { type Authd, startAuthd } from "./authd/authd.ts";
import { lackingNova } from "./nova/nova.ts";
import { readDiagnosis } from "./nova/refused.ts";
import { type NovaStage, startNovaStage } from "./nova/stage.ts";
import { lackingQemu, type Qemu, startQemu } from "./qemu.ts";

describe("MKS in front of Debian's Nova", { skip: lackingNova || lackingQemu }, () => {
  const opened = new AsyncDisposableStack();
  let stage: NovaStage;
  let qemu: Qemu<"screen">;
  before(async () => {
    [stage, qemu] = await Promise.all([startNovaStage(), startQemu({ screen: {} })]);
    opened.use(stage);
    opened.use(qemu);
  });
  after(async () => await opened.disposeAsync());

  const screen = () => ({ host: qemu.host, port: qemu.ports.screen });

  /** As nova-compute writes it down for a machine of VMware's. */
  async function link({ host, port, access }: Authd, changes: Partial<Authd["access"]> = {}) {
    const path = JSON.stringify({ ...access, ...changes });
    return (await stage.nova.authorize({ host, port, type: "webmks", path })).token;
  }

  test("a token opens the machine's mks behind its host's authd, once, and the bytes are the machine's own", async () => {
    await using authd = await startAuthd(screen());
    const token = await link(authd);

    await using viewer = await stage.open(token, "/mks/");
    // The name is QEMU's: nothing was put in its place.
    assert.match((await viewer.handshake()).name, /QEMU/);

    assert.deepEqual(
      authd.told().map((line) => line.replace(/(?<=THUMBPRINT ).{16}$/, "NONCE")),
      [
        `TLS: USER ${authd.access.ticket}`,
        `TLS: PASS ${authd.access.ticket}`,
        "TLS: THUMBPRINT NONCE",
        `TLS: CONNECT ${authd.access.cfgFile} mks`,
        "mks: the nonce",
      ],
    );
    assert.deepEqual(await readDiagnosis(stage.urlOf(token, "/mks/")), [410, "ticket_used"]);
    await using again = await stage.open(await link(authd), "/mks/");
    assert.equal((await again.untilClosed()).reason, "upstream_ticket_refused");
    await eventually(async () => {
      const { items } = await stage.fleet.control.services.sessions.list(stage.fleet.control.admin, {});
      const ended = items.find(({ ending }) => ending?.code === "upstream_ticket_refused");
      assert.deepEqual([ended?.protocol, ended?.ending?.detail], ["webmks", "it answered 530 to PASS"]);
    });
    const { ticket } = authd.access;
    assert.ok(!stage.node.log().includes(ticket), "the ticket is logged");
  });

  for (const [title, options, code] of [
    ["speaks RFB", { trouble: "garbage" }, "upstream_not_authd"],
    ["says a line without an end", { trouble: "endless" }, "upstream_not_authd"],
    ["has no room", { trouble: "busy" }, "upstream_refused"],
    ["goes on in the open", { trouble: "no TLS" }, "upstream_tls_failed"],
    ["does not know the ticket's user", { trouble: "refuses USER" }, "upstream_ticket_refused"],
    ["does not take the ticket", { trouble: "refuses PASS" }, "upstream_ticket_refused"],
    ["takes no nonce", { trouble: "refuses THUMBPRINT" }, "upstream_refused"],
    ["does not hand over the machine", { trouble: "refuses CONNECT" }, "upstream_refused"],
    ["hangs up on the ticket", { trouble: "hangs up at PASS" }, "upstream_closed"],
    ["hangs up on the machine's file", { trouble: "hangs up at CONNECT" }, "upstream_closed"],
    ["names no certificate", { thumbprint: "OK" }, "upstream_not_authd"],
    [
      "names another machine's certificate",
      { thumbprint: "0a".repeat(20) },
      "upstream_certificate_unvouched",
    ],
  ] as const)
    test(`an authd that ${title} is told apart, and why is said`, async () => {
      await using authd = await startAuthd(screen(), options);

      await using viewer = await stage.open(await link(authd), "/mks");

      assert.equal((await viewer.untilClosed()).reason, code);
      assert.equal(viewer.received, 0);
      assert.ok(!authd.told().includes("mks: the nonce"));
    });

  test("whose certificate is not the one that Nova names hears no ticket", async () => {
    await using authd = await startAuthd(screen());

    const other = await link(authd, { thumbprint: "0a".repeat(20) });
    await using viewer = await stage.open(other, "/mks");

    assert.equal((await viewer.untilClosed()).reason, "upstream_certificate_unvouched");
    await eventually(() => assert.match(authd.told().join("\n"), /ended/));
    assert.doesNotMatch(authd.told().join("\n"), /USER/);
  });

  test("a machine that hangs up once it has the connection has closed its console", async () => {
    await using authd = await startAuthd(screen(), { trouble: "hangs up at last" });

    await using viewer = await stage.open(await link(authd), "/mks");

    assert.match((await viewer.untilClosed()).reason, /^upstream_(closed|lost)$/);
  });

  test("a host that says nothing is not waited for any longer once the viewer has gone", async () => {
    await using authd = await startAuthd(screen(), { trouble: "silent" });
    const viewer = await stage.open(await link(authd), "/mks");

    await viewer[Symbol.asyncDispose]();

    await eventually(() => assert.match(authd.told().join("\n"), /ended/));
  });

  test("a link of another kind is not opened at the address of MKS, nor one of MKS at another", async () => {
    const { token } = await stage.nova.authorize(screen());
    assert.deepEqual(await readDiagnosis(stage.urlOf(token, "/mks")), [502, "nova_console_unfit"]);
    await using authd = await startAuthd(screen());
    for (const path of ["/", "/serial", "/spice"])
      assert.deepEqual(await readDiagnosis(stage.urlOf(await link(authd), path)), [
        502,
        "nova_console_unfit",
      ]);
    assert.deepEqual(authd.told(), []);
  });
});
