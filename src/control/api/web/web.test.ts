import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { brotliCompressSync } from "node:zlib";
import { testApi } from "../../../../test/harness/api.ts";
import { builtPages, WORKER } from "../../../../test/harness/built-pages.ts";
import { scratch } from "../../../../test/harness/scratch.ts";

describe("the operator's pages", () => {
  test("are served with a strict policy, the page itself never kept and its assets for ever", async () => {
    await using folder = scratch();
    await using api = await testApi({ webRoot: builtPages(folder.path) });

    const page = await api.call("GET", "/");
    const asset = await api.call("GET", "/assets/main-abc.js");

    assert.equal(page.status, 200);
    assert.match(page.text, /Operator/);
    assert.equal(page.headers.get("cache-control"), "no-store");
    assert.equal(asset.headers.get("cache-control"), "public, max-age=31536000, immutable");
    for (const { headers } of [page, asset]) {
      const policy = String(headers.get("content-security-policy"));
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /script-src 'self'(;|$)/);
      assert.match(policy, /style-src 'self'(;|$)/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|upgrade-insecure/);
      assert.equal(headers.get("referrer-policy"), "no-referrer");
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("x-frame-options"), "DENY");
    }
  });

  test("go out encoded to who takes that, with all that the file itself is said to be", async () => {
    await using folder = scratch();
    await using api = await testApi({ webRoot: builtPages(folder.path) });
    const ask = async (coding: string) =>
      await fetch(`${api.origin}/assets/browser-worker-abc.js`, { headers: { "accept-encoding": coding } });

    const plain = await ask("identity");
    const encoded = await ask("gzip, br");

    assert.deepEqual([await plain.text(), await encoded.text()], [WORKER, WORKER]);
    assert.equal(plain.headers.get("content-encoding"), null);
    assert.equal(encoded.headers.get("content-encoding"), "br");
    for (const name of ["content-type", "content-security-policy", "cache-control", "vary"])
      assert.equal(encoded.headers.get(name), plain.headers.get(name), name);
    assert.match(String(encoded.headers.get("content-type")), /javascript/);
    assert.match(String(encoded.headers.get("content-security-policy")), /connect-src http:/);
    assert.equal(encoded.headers.get("vary"), "accept-encoding");
    assert.notEqual(encoded.headers.get("etag"), plain.headers.get("etag"));
  });

  test("are found by their folder, whatever coding the browser takes", async () => {
    for (const size of [40, 4000]) {
      await using folder = scratch();
      const page = `<!doctype html><title>Operator</title>${" ".repeat(size)}`;
      const root = builtPages(folder.path);
      writeFileSync(join(root, "index.html"), page);
      if (size > 1024) writeFileSync(join(root, "index.html.br"), brotliCompressSync(page));
      await using api = await testApi({ webRoot: root });

      for (const method of ["GET", "HEAD"])
        for (const coding of ["gzip, deflate, br, zstd", "deflate", "*", "identity"]) {
          const answer = await fetch(`${api.origin}/?a=b`, {
            method,
            headers: { "accept-encoding": coding },
          });

          assert.equal(answer.status, 200, `${method} ${coding}`);
          assert.equal(await answer.text(), method === "GET" ? page : "");
          assert.match(String(answer.headers.get("content-type")), /^text\/html/);
          assert.equal(answer.headers.get("cache-control"), "no-store");
          assert.match(String(answer.headers.get("content-security-policy")), /default-src 'none'/);
        }
    }
  });

  test("are given whole, whatever range is asked for", async () => {
    await using folder = scratch();
    await using api = await testApi({ webRoot: builtPages(folder.path) });

    for (const range of ["bytes=2-5", "bytes=999999-", "bytes=nonsense"]) {
      const { status, text } = await api.call("GET", "/assets/browser-worker-abc.js", { headers: { range } });

      assert.deepEqual([status, text], [200, WORKER], range);
    }
  });

  test("give away nothing outside their folder", async () => {
    await using folder = scratch();
    await using api = await testApi({ webRoot: builtPages(folder.path) });

    for (const path of [
      "/../package.json",
      "/%2e%2e/package.json",
      "/..%2f..%2fetc/passwd",
      "/.hidden",
      "/assets/",
      "/%00",
    ]) {
      const { status, text: body } = await api.call("GET", path);

      assert.ok(status >= 400 && status < 500, `${path}: ${status}`);
      assert.match(body, /"error":\{"code"/);
    }
  });

  test("redirect nobody anywhere", async () => {
    await using folder = scratch();
    await using api = await testApi({ webRoot: builtPages(folder.path) });

    for (const path of [
      "//evil.example.com/%2F..",
      "//evil.example.com/assets",
      "/assets",
      "/%5cevil.example.com",
    ]) {
      const { status, headers } = await api.call("GET", path);

      assert.ok(status >= 400 && status < 500, `${path}: ${status}`);
      assert.equal(headers.get("location"), null);
    }
  });

  test("are simply not there where they were not built", async () => {
    await using api = await testApi();

    const { status, text: body } = await api.call("GET", "/");

    assert.equal(status, 404);
    assert.match(body, /"code":"not_found"/);
  });
});
