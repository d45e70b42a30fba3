import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseDialect, novaConsole, readCredentials, readOffers } from "./upgrade-request.ts";

test("our sub-protocol wins over binary, and binary over nothing", () => {
  const chosen = (header: string | undefined) => chooseDialect(readOffers(header));

  assert.equal(chosen("binary, porthole.v1"), "porthole.v1");
  assert.equal(chosen("base64,binary"), "binary");
  assert.equal(chosen(undefined), "none");
  assert.equal(chosen("porthole.ticket.abc"), "none");
});

test("only other sub-protocols are refused", () => {
  assert.throws(() => chooseDialect(readOffers("base64, mqtt")), { code: "subprotocol_unsupported" });
});

test("ticket and extra token come from sub-protocol entries, the extra token as base64url of UTF-8", () => {
  const extra = Buffer.from("ünïcode/+ token").toString("base64url");
  const offers = readOffers(`porthole.v1, porthole.ticket.a.b.c, porthole.extra.${extra}`);

  assert.deepEqual(readCredentials("/p/x/websockify", offers), {
    ticket: "a.b.c",
    extras: ["ünïcode/+ token"],
  });
});

test("ticket and extra token come from the query, decoded", () => {
  const read = (url: string) => readCredentials(url, readOffers("binary"));

  const [encoded] = read("/websockify?token=a.b.c&extra=%C3%BC%2B%20x").extras;
  assert.equal(encoded, "ü+ x");
  assert.deepEqual(read("/any/path?token=a%2Eb#token=other"), { ticket: "a.b", extras: [] });
  assert.deepEqual(read("/websockify?other=1"), { ticket: undefined, extras: [] });
  assert.deepEqual(read("/websockify"), { ticket: undefined, extras: [] });
});

test("ConsoleProxyHttpHandlerHelperTest.testQueryMapExtraParameter: it is there though the ticket is none", () => {
  const { ticket, extras } = readCredentials("/?token=SOME_TOKEN&extra=test-token", readOffers("binary"));

  assert.deepEqual([ticket, extras], ["SOME_TOKEN", ["test-token"]]);
});

const MEANT: readonly [written: string, by: string, meant: string][] = [
  ["a+b", "a form", "a b"],
  ["a+b", "who encodes nothing", "a+b"],
  ["q83v+/8Aq83v+w==", "CloudStack's noVNC, of base64", "q83v+/8Aq83v+w=="],
  ["1+1%20=%202", "CloudStack's noVNC, whose browser encodes spaces alone", "1+1 = 2"],
  ["cr%C3%A9t%2B", "ECMAScript's encodeURIComponent", "crét+"],
  ["100%", "who encodes nothing", "100%"],
  ["a%20b", "who encodes nothing", "a%20b"],
];

for (const [written, by, meant] of MEANT) {
  test(`extra=${written} may be meant as “${meant}”, as it is by ${by}`, () => {
    const { extras } = readCredentials(`/websockify?token=a&extra=${written}`, readOffers("binary"));

    assert.ok(extras.includes(meant), extras.join(" | "));
  });
}

test("a ticket or an extra token that is given twice is refused, wherever the two stand", () => {
  const refused = (url: string, header?: string) =>
    assert.throws(() => readCredentials(url, readOffers(header)), { code: "request_invalid" });

  refused("/?token=a&token=b");
  refused("/?token=a&token=a");
  refused("/?token=a", "porthole.v1, porthole.ticket.a");
  refused("/", "porthole.ticket.a, porthole.ticket.b");
  refused("/?token=a&extra=x&extra=y");
});

test("a ticket that stands nowhere else is the cookie of that name, and one that does wins", () => {
  const read = (cookies: string, url = "/", header = "binary") =>
    readCredentials(url, readOffers(header), cookies).ticket;

  assert.equal(read("token=a.b.c"), "a.b.c");
  assert.equal(read('other=1; =x; malformed;token="a.b.c"; mytoken=z'), "a.b.c");
  assert.equal(read("mytoken=a; other=token=b"), undefined);
  assert.equal(read("token=cookie", "/?token=query"), "query");
  assert.equal(read("token=cookie", "/", "porthole.v1, porthole.ticket.entry"), "entry");
  assert.equal(read("token=a; token=b", "/?token=query"), "query");
  assert.throws(() => read("token=a; token=b"), { code: "request_invalid" });
  const isCookie = (url: string) => readCredentials(url, readOffers("binary"), "token=cookie").isCookie;
  assert.deepEqual(["/", "/?token=query"].map(isCookie), [true, undefined]);
});

test("the path says what a viewer with a token of Nova's takes its console for", () => {
  for (const path of ["/serial?token=t", "/serial/", "/p/serial/websockify?token=t", "/console/serial"])
    assert.equal(novaConsole(path), "serial", path);
  for (const path of ["/spice?token=t", "/p/spice/websockify"])
    assert.equal(novaConsole(path), "spice", path);
  for (const path of ["/mks/?token=t", "/p/mks/console.html"])
    assert.equal(novaConsole(path), "webmks", path);
  for (const path of [
    undefined,
    "/",
    "/?token=serial",
    "/?/serial/",
    "/serials",
    "/webmks",
    "/__proto__/constructor",
    "/p/nova/websockify",
  ])
    assert.equal(novaConsole(path), "rfb", path);
});
