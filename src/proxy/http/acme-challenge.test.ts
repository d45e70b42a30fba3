import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { LOOPBACK } from "../../../test/harness/free-port.ts";
import { answerAcmeChallenge } from "./acme-challenge.ts";

const THUMBPRINT = "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI";
const PATH = "/.well-known/acme-challenge/";
/** Of RFC 8555 §8.3. */
const TOKEN = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";

for (const [what, method, path, answer] of [
  ["a challenge", "GET", PATH + TOKEN, `${TOKEN}.${THUMBPRINT}`],
  ["a challenge with a query", "GET", `${PATH}${TOKEN}?x`, `${TOKEN}.${THUMBPRINT}`],
  ["a challenge's head", "HEAD", PATH + TOKEN, ""],
] as const)
  test(`${what} is answered with its token and the account's thumbprint`, async () => {
    const [response, body] = await ask({ method, path }, THUMBPRINT);

    assert.equal(response.statusCode, 200);
    assert.equal(body, answer);
    assert.equal(response.headers["content-type"], "application/octet-stream");
  });

for (const [what, method, path] of [
  ["nothing", "GET", PATH],
  ["what is not base64url", "GET", `${PATH}<script>`],
  ["what is encoded", "GET", `${PATH}%41`],
  ["a path", "GET", `${PATH}${TOKEN}/..`],
  ["more than a token", "GET", PATH + "x".repeat(257)],
  ["a post", "POST", PATH + TOKEN],
] as const)
  test(`${what} is no challenge`, async () => {
    assert.equal((await ask({ method, path }, THUMBPRINT))[0].statusCode, 404);
  });

test("without an account nothing is answered", async () => {
  assert.equal((await ask({ method: "GET", path: PATH + TOKEN }, undefined))[0].statusCode, 404);
});

async function ask(
  { method, path }: { readonly method: string; readonly path: string },
  thumbprint: string | undefined,
): Promise<[IncomingMessage, string]> {
  const server = createServer((asked, answer) => {
    if (!answerAcmeChallenge(asked, answer, thumbprint)) answer.writeHead(404).end();
  }).listen(0, LOOPBACK);
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const asked = request({ host: LOOPBACK, port: address.port, method, path, agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const body = await text(response);
  server.close();
  return [response, body];
}
