import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "#wire/api.ts";
import type { Certificate } from "#wire/certificate.ts";
import { noticesOf } from "./notices.ts";
import {
  type CertificateOverview,
  certificateOf,
  hexOf,
  poolsOf,
  progressOf,
  standingOf,
  successorOf,
} from "./overview.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW = Date.parse("2026-11-22T00:00:00Z");
const after = (days: number) => new Date(NOW + days * DAY_MS).toISOString();

function certificate(id: string, { pool, days = 60 }: { pool?: string; days?: number } = {}): Certificate {
  return {
    id,
    ...(pool === undefined ? {} : { pool }),
    fingerprint: `fingerprint of ${id}`,
    names: [`${id}.example`],
    subject: "",
    issuer: "",
    notBefore: after(-1),
    notAfter: after(days),
    chain: "",
    chainId: `chain of ${id}`,
    createdAt: after(-1),
    source: "upload",
  };
}

function node(id: string, serves: string | undefined, rest: Partial<Node> = {}): Node {
  return {
    id,
    pool: "default",
    state: "running",
    agentState: "up",
    pageOrigin: `https://${id}`,
    webSocketOrigin: `wss://${id}`,
    sessions: 0,
    version: "1",
    seenAt: after(0),
    ...(serves === undefined
      ? {}
      : {
          certificate: {
            id: "x",
            notAfter: after(60),
            ...(serves === "" ? {} : { chainId: `chain of ${serves}` }),
          },
        }),
    ...rest,
  };
}

function overview(rest: Partial<CertificateOverview> = {}): CertificateOverview {
  const authority = { certificate: "", fingerprint: "", notAfter: after(3000) };
  return { certificates: [], nodes: [], authority, isTls: true, domain: "", ...rest };
}

test("a pool's own certificate comes before that of all pools, and takes that one's place back when it goes", () => {
  const [all, north] = [certificate("all"), certificate("north", { pool: "north" })];
  const both = { certificates: [all, north] };

  assert.equal(certificateOf("north", both), north);
  assert.equal(certificateOf("south", both), all);
  assert.equal(certificateOf("south", { certificates: [north] }), undefined);
  assert.equal(successorOf(north, both), all);
  assert.equal(successorOf(all, both), undefined);
  assert.equal(successorOf(north, { certificates: [north] }), undefined);
});

test("a node serves what it is to serve once it has said the same chain, whatever its leaf", () => {
  const on = overview({ certificates: [certificate("all")] });

  assert.equal(standingOf(node("a", "all"), on), "serves");
  assert.equal(standingOf(node("a", "older chain of the same leaf"), on), "waits");
  assert.equal(standingOf(node("a", ""), on), "waits", "it still has its own");
  assert.equal(standingOf(node("a", undefined), on), "waits");
  assert.equal(standingOf(node("a", ""), overview()), "serves", "nothing was uploaded");
  assert.equal(standingOf(node("a", "older", { certificateProblem: "no" }), on), "refused");
  assert.equal(standingOf(node("a", "all", { certificateProblem: "not for it" }), on), "flawed");
  assert.equal(standingOf(node("a", "all", { agentState: "down" }), on), "silent");
  assert.equal(standingOf(node("a", undefined), overview({ isTls: false })), "plain");
  assert.equal(standingOf(node("a", "all"), overview({ isTls: false })), "waits");
});

test("progress counts the nodes that are heard of and are to serve it", () => {
  const [all, north] = [certificate("all"), certificate("north", { pool: "north" })];
  const at = overview({
    certificates: [all, north],
    nodes: [
      node("a", "all"),
      node("b", ""),
      node("c", "", { certificateProblem: "no" }),
      node("d", "", { agentState: "down" }),
      node("e", "north", { pool: "north" }),
    ],
  });

  assert.deepEqual(progressOf(all, at), { of: 3, serving: 1, refused: 1, waiting: 1 });
  assert.deepEqual(progressOf(north, at), { of: 1, serving: 1, refused: 0, waiting: 0 });
  assert.deepEqual(poolsOf(at), ["default", "north"]);
});

test("notices name what ends within a fortnight, and nodes that could not load theirs, and nothing while TLS is off", () => {
  const ends = certificate("ends", { days: 5 });
  const ended = certificate("ended", { pool: "north", days: -1 });
  const refused = node("r", "", { certificateProblem: "no" });
  const flawed = node("f", "ends", { certificateProblem: "not for it" });
  const own = node("own", undefined, { pool: "own", certificate: { id: "x", notAfter: after(3) } });
  const at = {
    certificates: [certificate("good", { pool: "good", days: 15 }), ends, ended],
    nodes: [refused, flawed, own, node("fine", "ends")],
    authority: { certificate: "", fingerprint: "", notAfter: after(10) },
  };

  assert.deepEqual(noticesOf(overview(at), NOW), [
    { kind: "uploaded-ends", certificate: ended, days: -1 },
    { kind: "uploaded-ends", certificate: ends, days: 5 },
    { kind: "refused", nodes: [refused] },
    { kind: "flawed", nodes: [flawed] },
    { kind: "own-ends", nodes: [own], days: 3 },
    { kind: "authority-ends", days: 10 },
  ]);
  assert.deepEqual(noticesOf(overview({ ...at, isTls: false }), NOW), []);
  assert.deepEqual(noticesOf(overview({ certificates: [certificate("good")] }), NOW), []);
});

test("a certificate that ACME renews is told of once it should have been renewed, however short it lives", () => {
  const acme = { ...certificate("acme", { days: 4 }), source: "acme" as const };
  const young = { ...acme, notBefore: after(-3) };
  const old = { ...acme, notBefore: after(-30) };

  assert.deepEqual(noticesOf(overview({ certificates: [young] }), NOW), []);
  assert.deepEqual(noticesOf(overview({ certificates: [old] }), NOW), [
    { kind: "uploaded-ends", certificate: old, days: 4 },
  ]);
});

test("a fingerprint is shown in the digits that browsers show it in", () => {
  assert.equal(hexOf("_-8A"), "ffef00");
});
