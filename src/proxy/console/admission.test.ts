import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { aes256Gcm } from "#base/process/aes-256-gcm.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Grant } from "#wire/grant.ts";
import type { SessionReport } from "#wire/link.ts";
import { ALL_RIGHTS } from "#wire/rights.ts";
import { sealTicket, type TicketClaims } from "#wire/ticket.ts";
import { Admission, type AdmissionLink } from "./admission.ts";

const NOW = 1_800_000_000_000;
const key = { kid: "k", aead: aes256Gcm(randomBytes(32)) };

const CLAIMS: TicketClaims = {
  sessionId: "session-1",
  attachment: 1,
  nodeId: "node-1",
  incarnation: "incarnation-1",
  issuedAt: NOW,
  expiresAt: NOW + 60_000,
};

const GRANT: Grant = {
  sessionId: "session-1",
  attachment: 1,
  machine: { id: "machine-1", name: "web-1" },
  protocol: "rfb",
  upstream: { address: { kind: "tcp", host: "127.0.0.1", port: 5900 } },
  rights: ALL_RIGHTS,
  reopen: "reopen-1",
};

test("a good ticket is redeemed, with where its viewer comes from", async () => {
  const { admission, redemptions } = start();

  const grant = await admission.admit({ ...anybody, ticket: await seal() });

  assert.equal(grant, GRANT);
  assert.deepEqual(redemptions, [{ sessionId: "session-1", attachment: 1, viewerAddress: "192.0.2.1" }]);
});

test("a ticket is redeemed once, however many bring it at the same time", async () => {
  const { admission, redemptions } = start();
  const ticket = await seal();

  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, () => admission.admit({ ...anybody, ticket })),
  );

  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal(redemptions.length, 1);
  const refusals = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [outcome.reason.code] : [],
  );
  assert.deepEqual(new Set(refusals), new Set(["ticket_used"]));
});

test("a token of Nova's goes to control where that stands in front of one, for the console that its address is for, and never for a picture", async () => {
  const token = "0e6f6f0c-3b1f-4d0e-9a7b-1f2d3c4b5a69";
  const asked: unknown[] = [];
  const admissionOf = (takesNovaTokens: boolean) =>
    new Admission({
      ...link([]),
      settings: { takesNovaTokens },
      async redeemNova(request) {
        asked.push(request);
        return GRANT;
      },
    });
  const shown = { ...anybody, ticket: token, novaConsole: "serial" } as const;

  assert.equal(await admissionOf(true).admit(shown), GRANT);
  await assert.rejects(admissionOf(true).admit(shown, "thumbnail"), { code: "ticket_invalid" });
  await assert.rejects(admissionOf(true).admit({ ...shown, ticket: `${token}0` }), {
    code: "ticket_invalid",
  });
  await assert.rejects(admissionOf(false).admit(shown), { code: "ticket_invalid" });

  assert.deepEqual(asked, [{ token, console: "serial", viewerAddress: "192.0.2.1" }]);
});

const REFUSED: readonly [what: string, ticket: () => Promise<string | undefined>, code: string][] = [
  ["no ticket", async () => undefined, "ticket_missing"],
  ["an empty ticket", async () => "", "ticket_invalid"],
  ["a ticket that is none", async () => "a.b.c.d.e", "ticket_invalid"],
  ["a damaged ticket", async () => damage(await seal()), "ticket_invalid"],
  [
    "a ticket sealed with another key",
    async () => await seal({}, { ...key, aead: aes256Gcm(randomBytes(32)) }),
    "ticket_invalid",
  ],
  ["a ticket of another key", async () => await seal({}, { ...key, kid: "other" }), "ticket_foreign"],
  ["a ticket of another node", async () => await seal({ nodeId: "node-2" }), "ticket_foreign"],
  ["a ticket from before the restart", async () => await seal({ incarnation: "old" }), "ticket_foreign"],
  ["an expired ticket", async () => await seal({ expiresAt: NOW }), "ticket_expired"],
];

for (const [what, ticket, code] of REFUSED) {
  test(`${what} is refused, and control is not asked`, async () => {
    const { admission, redemptions } = start();

    await assert.rejects(admission.admit({ ...anybody, ticket: await ticket() }), { code });
    assert.equal(redemptions.length, 0);
  });
}

const extraHash = createHash("sha256").update("sésame").digest("base64url");

test("a bound extra token must come beside the ticket; a wrong one does not spend it", async () => {
  const { admission, redemptions } = start();
  const ticket = await seal({ extraHash });

  for (const extras of [[], [""], ["sesame", "Sésame"], [extraHash]])
    await assert.rejects(admission.admit({ ...anybody, ticket, extras }), { code: "extra_token_mismatch" });
  assert.equal(redemptions.length, 0);

  await admission.admit({ ...anybody, ticket, extras: ["s%C3%A9same", "sésame"] });
});

test("a hash that is none fits no extra token", async () => {
  const { admission } = start();
  const ticket = await seal({ extraHash: "" });

  await assert.rejects(admission.admit({ ...anybody, ticket, extras: [""] }), {
    code: "extra_token_mismatch",
  });
});

test("a bound address must be the viewer's; another does not spend the ticket", async () => {
  const { admission } = start();
  const ticket = await seal({ callerAddress: "::ffff:192.0.2.1" });

  const elsewhere = admission.admit({ ...anybody, ticket, viewer: { address: "192.0.2.2" } });
  await assert.rejects(elsewhere, { code: "caller_address_mismatch" });

  await admission.admit({ ...anybody, ticket });
});

const DOUBTS = [
  { doubt: "no header", detail: /sent no X-Forwarded-For header/ },
  { doubt: "not trusted", detail: /--trusted-proxies does not name/ },
] as const;

for (const { doubt, detail } of DOUBTS)
  test(`a bound address that can fit nobody behind a proxy (${doubt}) says what to mend`, async () => {
    const { admission } = start();
    const ticket = await seal({ callerAddress: "192.0.2.1" });

    const elsewhere = admission.admit({ ...anybody, ticket, viewer: { address: "192.0.2.2", doubt } });

    await assert.rejects(elsewhere, { code: "caller_address_mismatch", detail });
  });

test("a used ticket says that it is used, not that something else is wrong too", async () => {
  const { admission } = start();
  const ticket = await seal({ extraHash });
  await admission.admit({ ...anybody, ticket, extras: ["sésame"] });

  await assert.rejects(admission.admit({ ...anybody, ticket }), { code: "ticket_used" });
});

test("what control refuses stays refused, and is control's to record", async () => {
  const { admission, redemptions, reports } = start([new GatewayError("machine_not_running")]);
  const ticket = await seal();

  await assert.rejects(admission.admit({ ...anybody, ticket }), { code: "machine_not_running" });
  await assert.rejects(admission.admit({ ...anybody, ticket }), { code: "ticket_used" });

  assert.equal(redemptions.length, 1);
  assert.deepEqual(reports, []);
});

for (const code of ["control_unreachable", "node_stopping"] as const) {
  test(`a redemption without an answer (${code}) spends the ticket, and ends the session`, async () => {
    const { admission, redemptions, reports } = start([new GatewayError(code)]);
    const ticket = await seal({ attachment: 3 });

    await assert.rejects(admission.admit({ ...anybody, ticket }), { code });
    await assert.rejects(admission.admit({ ...anybody, ticket }), { code: "ticket_used" });

    assert.equal(redemptions.length, 1);
    assert.deepEqual(reports, [
      {
        sessionId: "session-1",
        attachment: 3,
        at: NOW,
        state: "ended",
        ending: { kind: "failed", code, reference: "session-1" },
        bytesToViewer: 0,
        bytesFromViewer: 0,
      },
    ]);
  });
}

test("whatever is refused once the ticket is open names its session", async () => {
  const { admission } = start([new GatewayError("machine_gone", { detail: "web-1" })]);
  const reference = "session-1";

  const expired = admission.admit({ ...anybody, ticket: await seal({ expiresAt: NOW }) });
  await assert.rejects(expired, { code: "ticket_expired", reference });
  const elsewhere = admission.admit({ ...anybody, ticket: await seal({ callerAddress: "192.0.2.9" }) });
  await assert.rejects(elsewhere, { code: "caller_address_mismatch", reference });
  const gone = admission.admit({ ...anybody, ticket: await seal() });
  await assert.rejects(gone, { code: "machine_gone", detail: "web-1", reference });
  const foreign = admission.admit({ ...anybody, ticket: await seal({ nodeId: "node-2" }) });
  await assert.rejects(foreign, { code: "ticket_foreign", reference });
  const damaged = admission.admit({ ...anybody, ticket: damage(await seal()) });
  await assert.rejects(damaged, { code: "ticket_invalid", reference: undefined });
});

test("control is told whom the node sees through by itself, and not whom it refuses or who looks at a picture", async () => {
  const { admission, noted } = start([new GatewayError("machine_gone")]);
  const used = await seal({ extraHash: createHash("sha256").update("right").digest("base64url") });
  const withExtra = { ...anybody, extras: ["right"], ticket: used };

  await assert.rejects(admission.admit({ ...anybody, extras: ["wrong"], ticket: used }));
  await assert.rejects(admission.admit(withExtra), { code: "machine_gone" });
  await assert.rejects(admission.admit(withExtra));
  await assert.rejects(
    admission.admit({ ...anybody, ticket: await seal({ attachment: 2, expiresAt: NOW }) }),
  );
  await assert.rejects(
    admission.admit({ ...anybody, ticket: await seal({ attachment: 2, callerAddress: "192.0.2.9" }) }),
  );
  await assert.rejects(admission.admit({ ...anybody, ticket: await seal({ nodeId: "node-2" }) }));
  await assert.rejects(admission.admit({ ...anybody, ticket: damage(await seal()) }));
  const picture = await seal({ purpose: "thumbnail", expiresAt: NOW });
  await assert.rejects(admission.admit({ ...anybody, ticket: picture }, "thumbnail"));

  const codes = ["extra_token_mismatch", "ticket_used", "ticket_expired", "caller_address_mismatch"] as const;
  assert.deepEqual(
    noted,
    [...codes, "ticket_foreign"].map((code) => ({
      sessionId: "session-1",
      code,
      viewerAddress: "192.0.2.1",
    })),
  );
});

test("before control was there for the first time, nothing opens", async () => {
  const admission = new Admission({ ...link([]), registered: undefined });

  await assert.rejects(admission.admit({ ...anybody, ticket: await seal() }), {
    code: "control_unreachable",
  });
});

const anybody = { extras: [], viewer: { address: "192.0.2.1" } };

async function seal(claims: Partial<TicketClaims> = {}, sealedWith = key): Promise<string> {
  return await sealTicket({ ...CLAIMS, ...claims }, sealedWith);
}

function damage(ticket: string): string {
  const parts = ticket.split(".");
  const ciphertext = Buffer.from(parts[3] ?? "", "base64url");
  ciphertext[0] = (ciphertext[0] ?? 0) ^ 1;
  return parts.with(3, ciphertext.toString("base64url")).join(".");
}

function start(failures: readonly GatewayError[] = []) {
  const redemptions: unknown[] = [];
  const reports: SessionReport[] = [];
  const noted: unknown[] = [];
  const admission = new Admission(link(redemptions, [...failures], reports, noted));
  return { admission, redemptions, reports, noted };
}

function link(
  redemptions: unknown[],
  failures: GatewayError[] = [],
  reports: SessionReport[] = [],
  noted: unknown[] = [],
): AdmissionLink {
  return {
    clock: { now: () => NOW },
    incarnation: "incarnation-1",
    registered: { nodeId: "node-1", ticketKeys: { keys: [key] } },
    settings: { takesNovaTokens: false },
    async redeemNova() {
      throw new Error("no Nova is behind");
    },
    async redeem(request) {
      redemptions.push(request);
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return GRANT;
    },
    report(report) {
      reports.push(report);
    },
    noteRefusal(refusal) {
      noted.push(refusal);
    },
  };
}
