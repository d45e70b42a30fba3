import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encode } from "dns-packet";
import fc from "fast-check";
import { edns, question, read, testZone } from "../../test/harness/dns.ts";
import { answer } from "./answer.ts";
import { TYPES } from "./zone.ts";

const zone = testZone();

function ask(message: Buffer, transport: "udp" | "tcp" = "udp") {
  const reply = answer(message, [zone], transport);
  assert.ok(reply !== undefined, "there is an answer");
  const packet = read(reply.bytes);
  const answers = packet.answers?.map((each) => [
    each.type,
    each.name,
    "data" in each ? each.data : undefined,
  ]);
  const authorities = packet.authorities?.map(({ type, name }) => [type, name]);
  return { ...packet, reply, answers, authorities };
}

test("of several zones the one answers that a name is in, and of one inside another the inner one", () => {
  const zones = [
    testZone({ domain: "example", addresses: ["203.0.113.1"] }),
    testZone({ domain: "console.example", addresses: ["203.0.113.2"] }),
    testZone({ domain: "other.test", addresses: ["203.0.113.3"] }),
  ];
  const rcode = (name: string) => answer(question(name, TYPES.A), zones, "udp")?.rcode;

  for (const name of ["203-0-113-1.example", "203-0-113-2.console.example", "203-0-113-3.other.test"])
    assert.equal(rcode(name), "NOERROR", name);
  for (const name of ["203-0-113-1.console.example", "203-0-113-2.example", "x.other.test"])
    assert.equal(rcode(name), "NXDOMAIN", name);
  assert.equal(rcode("203-0-113-1.elsewhere.test"), "REFUSED");
});

const SOA_OF_ZONE = [["SOA", "console.example"]];

describe("the answer", () => {
  test("has the address of a dashed name, of IPv4 and of IPv6, and is authoritative", () => {
    const four = ask(question("203-0-113-7.console.example", TYPES.A));
    const six = ask(question("2001-db8--7.console.example", TYPES.AAAA));
    const loopback = ask(question("0--1.console.example", TYPES.AAAA));

    assert.deepEqual(four.answers, [["A", "203-0-113-7.console.example", "203.0.113.7"]]);
    assert.deepEqual(six.answers, [["AAAA", "2001-db8--7.console.example", "2001:db8::7"]]);
    assert.deepEqual(loopback.answers, [["AAAA", "0--1.console.example", "::1"]]);
    assert.deepEqual([four.id, four.flag_aa, four.flag_ra, four.flag_tc], [4711, true, false, false]);
  });

  test("has the question as it was written, large letters and small", () => {
    const asked = "203-0-113-7.CoNSoLe.eXaMPle";

    const { questions, answers, reply } = ask(question(asked, TYPES.A));

    assert.deepEqual(
      questions?.map(({ name }) => name),
      [asked],
    );
    assert.deepEqual(answers, [["A", asked, "203.0.113.7"]]);
    assert.equal(reply.rcode, "NOERROR");
  });

  test("tells of the domain itself: SOA, name servers, authorities, addresses, and of its name servers", () => {
    const of = (type: number, name = "console.example") =>
      ask(question(name, type)).answers?.map(([, , data]) => data);

    const mailbox = { mname: "ns1.console.example", rname: "host\\.master.example.com" };
    const times = { serial: 7, refresh: 3600, retry: 600, expire: 604_800, minimum: 10 };
    assert.deepEqual(of(TYPES.SOA), [{ ...mailbox, ...times }]);
    assert.deepEqual(of(TYPES.NS), ["ns1.console.example", "ns2.other.example"]);
    assert.deepEqual(of(TYPES.CAA), [
      { flags: 0, tag: "issue", value: "letsencrypt.org", issuerCritical: false },
    ]);
    assert.deepEqual([of(TYPES.A), of(TYPES.AAAA)], [["203.0.113.7"], ["2001:db8::7"]]);
    assert.deepEqual(of(TYPES.A, "ns1.console.example"), ["192.0.2.53"]);
    assert.deepEqual(of(TYPES.AAAA, "ns1.console.example"), ["2001:db8::53"]);
  });

  test("has all values of a challenge", () => {
    const { answers } = ask(question("_acme-challenge.console.example", TYPES.TXT));

    assert.deepEqual(
      answers?.map(([, , data]) => String(data)),
      ["one", "two"],
    );
  });

  test("says NXDOMAIN of a name that there is not, and NODATA of a type, with the SOA that says for how long", () => {
    const name = ask(question("198-51-100-1.console.example", TYPES.A));
    const deeper = ask(question("a.203-0-113-7.console.example", TYPES.A));
    const type = ask(question("203-0-113-7.console.example", TYPES.AAAA));

    for (const { authorities, answers, flag_aa } of [name, deeper, type])
      assert.deepEqual([authorities, answers, flag_aa], [SOA_OF_ZONE, [], true]);
    assert.deepEqual([name.rcode, deeper.rcode, type.rcode], ["NXDOMAIN", "NXDOMAIN", "NOERROR"]);
    const [soa] = read(name.reply.bytes).authorities ?? [];
    assert.ok(soa?.type === "SOA");
    assert.equal(soa.ttl, soa.data.minimum);
  });

  test("does not deny a name that has others below it", () => {
    const texts = new Map([["_acme-challenge.a.console.example", ["one"]]]);

    const reply = answer(question("a.console.example", TYPES.A), [testZone({ texts })], "udp");

    assert.deepEqual([reply?.rcode, read(reply?.bytes ?? Buffer.alloc(0)).answers], ["NOERROR", []]);
  });

  test("gives something small to who asks for everything", () => {
    const { answers } = ask(question("console.example", TYPES.ANY));

    assert.deepEqual(
      answers?.map(([type, , data]) => [type, data]),
      [["HINFO", { cpu: "RFC8482", os: "" }]],
    );
    assert.equal(ask(question("none.console.example", TYPES.ANY)).rcode, "NXDOMAIN");
  });

  test("refuses other domains, other classes and transfers", () => {
    const chaos = question("version.bind", TYPES.TXT, {
      questions: [{ name: "version.bind", type: "TXT", class: "CH" }],
    });
    const inside = question("example", TYPES.A);
    const lookalike = question("xconsole.example", TYPES.A);

    for (const message of [question(".", TYPES.NS), chaos, inside, lookalike]) {
      const { rcode, answers, authorities, flag_aa } = ask(message);
      assert.deepEqual([rcode, answers, authorities, flag_aa], ["REFUSED", [], [], false]);
    }
    for (const transfer of [251, 252])
      assert.equal(ask(question("console.example", transfer)).rcode, "REFUSED");
    assert.equal(answer(question("console.example", TYPES.A), [], "udp")?.rcode, "REFUSED");
  });

  test("refuses a label whose bytes look like the domain", () => {
    const tail = Buffer.from("\x07console\x07example\0", "latin1");
    const name = Buffer.concat([Buffer.from([tail.length]), Buffer.from("x"), tail]);
    const header = question(".", TYPES.A).subarray(0, 12);

    const reply = answer(Buffer.concat([header, name, Buffer.from([0, 1, 0, 1])]), [zone], "udp");

    assert.equal(reply?.rcode, "REFUSED");
  });

  test("says of operations that are no query that they are not implemented", () => {
    for (const opcode of [1, 2, 4, 5, 6, 15]) {
      const message = question("console.example", TYPES.SOA);
      message.writeUInt16BE(opcode << 11, 2);

      assert.equal(ask(message).rcode, "NOTIMP", `opcode ${opcode}`);
    }
  });

  test("gives no answer to answers, nor to what is too short to be a message", () => {
    const response = encode({ type: "response", id: 1, questions: [{ name: "console.example", type: "A" }] });

    assert.equal(answer(response, [zone], "udp"), undefined);
    for (let length = 0; length < 12; length += 1)
      assert.equal(
        answer(question("console.example", TYPES.A).subarray(0, length), [zone], "udp"),
        undefined,
      );
  });

  test("knows addresses of ranges by their one label, and none beside them", () => {
    const ranges = [
      { first: "198.51.100.1", last: "198.51.100.254" },
      { first: "2001:db8:1::", last: "2001:db8:1::ffff" },
    ];
    const ranged = testZone({ ranges });
    const rcode = (label: string) =>
      answer(question(`${label}.console.example`, TYPES.A), [ranged], "udp")?.rcode;

    for (const label of ["198-51-100-1", "198-51-100-254", "2001-db8-1--ffff", "2001-DB8-1--0"])
      assert.equal(rcode(label), "NOERROR", label);
    const strangers = [
      "198-51-100-0",
      "198-51-100-255",
      "198-51-100-01",
      "2001-db8-1-0-0-0-0-1",
      "2001-db8-2--1",
    ];
    for (const label of [...strangers, "a.198-51-100-1", "127-0-0-1", "0--1-1", "-"])
      assert.equal(rcode(label), "NXDOMAIN", label);
  });
});

describe("EDNS", () => {
  test("is answered with what we take, and DO goes back; who does not use it gets none", () => {
    const [plain] =
      ask(question("console.example", TYPES.A, edns({ wantsSignatures: true }))).additionals ?? [];

    assert.ok(plain?.type === "OPT");
    assert.deepEqual([plain.udpPayloadSize, plain.ednsVersion, plain.flag_do], [1232, 0, true]);
    assert.deepEqual(ask(question("console.example", TYPES.A)).additionals, []);
  });

  test("of another version is BADVERS, and two of them, or one with a name, are malformed", () => {
    const badvers = ask(question("console.example", TYPES.A, edns({ version: 1 })));
    const [opt] = badvers.additionals ?? [];
    const [one] = edns().additionals ?? [];
    assert.ok(one?.type === "OPT" && opt?.type === "OPT");

    assert.deepEqual([badvers.reply.rcode, badvers.rcode, opt.extendedRcode], ["BADVERS", "NOERROR", 1]);
    assert.deepEqual(badvers.answers, []);
    assert.equal(ask(question("console.example", TYPES.A, { additionals: [one, one] })).rcode, "FORMERR");
    const named = question("console.example", TYPES.A, edns());
    const at = 12 + "console.example".length + 2 + 4;
    const withName = Buffer.concat([named.subarray(0, at), Buffer.from("\x01a\0"), named.subarray(at + 1)]);
    assert.equal(ask(withName).rcode, "FORMERR");
  });

  test("decides how much comes in a datagram: what is longer is to be asked for by TCP", () => {
    const apex = Array.from({ length: 100 }, (_, index) => `2001:db8::1:${index.toString(16)}`);
    const large = testZone({ apex });
    const plain = answer(question("console.example", TYPES.AAAA), [large], "udp");
    const small = answer(question("console.example", TYPES.AAAA, edns({ udpBytes: 1 })), [large], "udp");
    const modern = answer(
      question("console.example", TYPES.AAAA, edns({ udpBytes: 65_535 })),
      [large],
      "udp",
    );
    const tcp = answer(question("console.example", TYPES.AAAA), [large], "tcp");

    for (const reply of [plain, small]) {
      const packet = read(reply?.bytes ?? Buffer.alloc(0));
      assert.deepEqual([packet.flag_tc, packet.answers, packet.questions?.length], [true, [], 1]);
    }
    for (const reply of [modern, tcp]) {
      const packet = read(reply?.bytes ?? Buffer.alloc(0));
      assert.deepEqual([packet.flag_tc, packet.answers?.length], [false, 24]);
    }
    assert.ok((modern?.bytes.length ?? 0) <= 1232);
  });
});

test("whoever is told to come by TCP is told no more than that, and it is no answer of the domain's where there is none", () => {
  const named = answer(question("203-0-113-7.console.example", TYPES.A), [zone], "udp");
  const refused = answer(question("www.example.com", TYPES.A), [zone], "udp");

  const hints = [named, refused].map((reply) => read(reply?.truncated?.() ?? Buffer.alloc(0)));

  assert.deepEqual(
    hints.map(({ rcode, flag_tc, flag_aa, answers }) => [rcode, flag_tc, flag_aa, answers]),
    [
      ["NOERROR", true, true, []],
      ["REFUSED", true, false, []],
    ],
  );
});

test("many addresses of the domain are told in another order to each", () => {
  const apex = Array.from({ length: 100 }, (_, index) => `10.0.0.${index}`);
  const many = testZone({ apex });

  const told = Array.from({ length: 16 }, (_, id) => {
    const reply = answer(question("console.example", TYPES.A, { id }), [many], "udp");
    return read(reply?.bytes ?? Buffer.alloc(0)).answers?.map((each) => "data" in each && each.data) ?? [];
  });

  assert.equal(new Set(told.map(([first]) => first)).size, 16);
  assert.equal(new Set(told.flat()).size, 100);
});

describe("garbage", () => {
  const good = question("203-0-113-7.console.example", TYPES.A, edns());

  test("cut anywhere is malformed or no message", () => {
    for (let length = 0; length < good.length; length += 1) {
      const reply = answer(good.subarray(0, length), [zone], "udp");
      assert.ok(reply === undefined || reply.rcode === "FORMERR", `${length} bytes`);
    }
  });

  test("with names that point to themselves, or in a ring, is malformed", () => {
    for (const target of [12, 14, 0, 0x3fff]) {
      const looped = Buffer.concat([
        good.subarray(0, 12),
        Buffer.from([0xc0 | (target >> 8), target & 0xff, 0, 1, 0, 1]),
      ]);
      looped.writeUInt16BE(0, 10);

      assert.equal(ask(looped).rcode, "FORMERR");
    }
  });

  test("with 60 000 questions is answered without a look at them", () => {
    const one = Buffer.from([0xc0, 12, 0, 1, 0, 1]);
    const names = Buffer.concat(Array<Buffer>(10_000).fill(one));
    const many = Buffer.concat([good.subarray(0, 12), names]);
    many.writeUInt16BE(60_000, 4);

    const { rcode, questions, reply } = ask(many, "tcp");

    assert.deepEqual([rcode, questions, reply.bytes.length], ["FORMERR", [], 12]);
  });

  test("with records where a query has none, too many, or something behind it, is malformed", () => {
    for (const [offset, value] of [
      [6, 1],
      [8, 1],
      [10, 0],
      [10, 2],
      [10, 65_535],
      [4, 0],
      [4, 2],
    ] as const) {
      const changed = Buffer.from(good);
      changed.writeUInt16BE(value, offset);
      assert.equal(ask(changed).rcode, "FORMERR", `${value} at ${offset}`);
    }
    assert.equal(ask(Buffer.concat([good, Buffer.from([0])])).rcode, "FORMERR");
  });

  test("of any kind ends nothing, and no answer to a datagram is much larger than what asked for it", () => {
    const mutated = fc
      .array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.integer({ min: 0, max: 255 })), { maxLength: 6 })
      .map((changes) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    const any = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));

    fc.assert(
      fc.property(fc.oneof(mutated, any), fc.constantFrom("udp", "tcp"), (message, transport) => {
        const reply = answer(message, [zone], transport);
        if (reply === undefined) return;
        assert.equal(reply.bytes.readUInt16BE(0), message.readUInt16BE(0));
        assert.ok(reply.bytes.readUInt16BE(2) & 0x8000, "it is a response");
        read(reply.bytes);
        assert.ok(reply.bytes.length <= message.length + 160, `${reply.bytes.length} for ${message.length}`);
      }),
      { numRuns: 20_000 },
    );
  });
});
