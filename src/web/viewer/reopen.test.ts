import assert from "node:assert/strict";
import { test } from "node:test";
import { reopen } from "./reopen.ts";

const PAGE = new URL("https://node.example.com/consoles/p/4f/console.html?port=8443");

function answering(status: number, body: string): { readonly asked: Request[]; readonly send: typeof fetch } {
  const asked: Request[] = [];
  return {
    asked,
    send: async (input, init) => {
      asked.push(new Request(input, init));
      return new Response(body, { status });
    },
  };
}

test("the credential goes to the page's own node as JSON, and nowhere in an address", async () => {
  const { asked, send } = answering(200, '{"url":"https://node.example.com/p/4f/console.html#token=t2"}');

  await reopen(PAGE, "c1", send);

  const [request] = asked;
  assert.equal(request?.method, "POST");
  assert.equal(request?.url, "https://node.example.com/consoles/p/4f/reopen");
  assert.deepEqual(await request?.json(), { credential: "c1" });
});

test("a new ticket for this page is taken where we are, with the address's own port", async () => {
  const { send } = answering(
    200,
    '{"url":"https://node.example.com/p/4f/console.html?port=9443#token=t2&extra=e"}',
  );

  assert.deepEqual(await reopen(PAGE, "c1", send), {
    kind: "here",
    pass: { ticket: "t2", extra: "e" },
    page: new URL("https://node.example.com/consoles/p/4f/console.html?port=9443"),
  });
});

test("an address of another node is another page", async () => {
  const url = "https://node-2.example.com/p/4f/console.html#token=t2";
  const { send } = answering(200, JSON.stringify({ url }));

  assert.deepEqual(await reopen(PAGE, "c1", send), { kind: "elsewhere", url: new URL(url) });
});

test("an address that is none, or that would run as a script, is followed nowhere", async () => {
  for (const url of ["javascript:alert(1)", "data:text/html,x", "", "console.html#token=x", 7]) {
    const { send } = answering(200, JSON.stringify({ url }));

    assert.equal((await reopen(PAGE, "c1", send)).kind, "refused", String(url));
  }
});

test("a refusal is the catalogue's, with its detail and reference", async () => {
  const { send } = answering(
    410,
    '{"error":{"code":"reopen_invalid","message":"m","remedy":"r","retryable":false,"reference":"s1"}}',
  );

  assert.deepEqual(await reopen(PAGE, "c1", send), {
    kind: "refused",
    ending: { kind: "refused", code: "reopen_invalid", reference: "s1" },
  });
});

test("where nobody answers, or something in between does, the credential is not spent", async () => {
  const offline = async () => {
    throw new TypeError("failed to fetch");
  };
  assert.deepEqual(await reopen(PAGE, "c1", offline), { kind: "unreachable" });

  const { send } = answering(502, "<html>Bad Gateway</html>");
  assert.deepEqual(await reopen(PAGE, "c1", send), { kind: "unreachable" });
});
