import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { hostPort } from "#base/config.ts";
import { namesOf } from "#base/process/probe/resolve-name.ts";
import { type Diagnosis, diagnose } from "../harness/doctor.ts";
import { eventually } from "../harness/eventually.ts";
import { type Control, startControl, startNode } from "../harness/porthole.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";
import { twoNodesOf } from "./behind-proxy.ts";
import { type Change, type FrontProxy, startFrontProxy } from "./front-proxies.ts";
import { lackingUnbound, startUnbound } from "./unbound.ts";

interface BehindNginx extends AsyncDisposable {
  readonly nodeIds: readonly string[];
  readonly proxy: FrontProxy;
  diagnose(args?: readonly string[]): Promise<Diagnosis>;
}

/** Two nodes behind the nginx of the documentation. */
async function startBehindNginx(
  control: Control,
  nodeArgs: readonly string[] = [],
  path?: string,
): Promise<BehindNginx> {
  await using opened = new AsyncDisposableStack();
  const { path: folder } = opened.use(scratch());
  let nodeIds: readonly string[] = [];
  // Of a port that the proxy could not have they are gone again.
  const onStarted = (id: string) => {
    nodeIds = [...nodeIds, id].slice(-2);
  };
  const nodes = twoNodesOf(control, { nodeArgs, onStarted });
  const proxy = opened.use(await startFrontProxy("nginx", nodes, { path }));
  const authority = join(folder, "ca.pem");
  writeFileSync(authority, proxy.ca);
  const owned = opened.move();
  return {
    nodeIds,
    proxy,
    diagnose: async (args = []) => await diagnose(control, args, { NODE_EXTRA_CA_CERTS: authority }),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

const TRUSTING = ["--trusted-proxies", "127.0.0.1"];
const asDocumented: Change = (configuration) => configuration;
const without =
  (...headers: readonly string[]): Change =>
  (configuration) =>
    headers.reduce(
      (text, header) => text.replace(new RegExp(`^.*proxy_set_header ${header} .*$`, "m"), ""),
      configuration,
    );

describe("two nodes behind nginx", { skip: lacking("nginx-light") }, () => {
  let control: Control;
  /** Which trust it. What nodes see of it may be of before a change: control tells what they saw seconds ago. */
  let at: BehindNginx;
  before(async () => {
    control = await startControl();
    at = await startBehindNginx(control, TRUSTING);
  });
  after(async () => {
    await at[Symbol.asyncDispose]();
    await control[Symbol.asyncDispose]();
  });
  const diagnoseWith = async (change: Change): Promise<Diagnosis> => {
    await at.proxy.change(change);
    return await at.diagnose();
  };

  test("as the documentation has it: the doctor finds nothing that fails, and looks at the one entrance once", async () => {
    const found = await diagnoseWith(asDocumented);

    assert.equal(found.status, 0);
    for (const check of ["client.tls", "client.page", "client.websocket", "client.forwarding"])
      assert.deepEqual(found.of(check), ["ok"], check);
    assert.deepEqual(found.of("node.websocket"), ["ok", "ok"]);
    assert.deepEqual(found.of("control.link"), ["ok", "ok"]);
  });

  test("without the lines for the upgrade: it names the directives that are missing", async () => {
    const found = await diagnoseWith(without("Upgrade", "Connection"));

    assert.equal(found.status, 6);
    assert.deepEqual(found.of("client.page"), ["ok"]);
    const line = found.line("client.websocket");
    assert.equal(line?.finding, "websocket_not_passed");
    for (const missing of ["proxy_set_header Upgrade", "proxy_set_header Connection", "front-proxy.md"])
      assert.ok(line?.remedy?.includes(missing), missing);
  });

  test("that says too little: it names what is to be said", async () => {
    const silent = await diagnoseWith(without("X-Forwarded-For"));
    const unsecured = await diagnoseWith(without("X-Forwarded-Proto"));

    assert.deepEqual(silent.of("client.forwarding"), ["forwarding_missing"]);
    assert.match(silent.line("client.forwarding")?.remedy ?? "", /X-Forwarded-For/);
    assert.deepEqual(unsecured.of("client.forwarding"), ["forwarding_scheme"]);
    for (const { lines } of [silent, unsecured])
      assert.deepEqual(
        lines.filter(({ check, result }) => check.startsWith("client.") && result === "failed"),
        [],
      );
  });

  test("that looks for the nodes at the wrong port: it says that the proxy does not reach them", async () => {
    const found = await diagnoseWith((configuration) =>
      configuration.replace(/server 127\.0\.0\.[23]:\d+;/g, "server 127.0.0.4:1;"),
    );

    assert.deepEqual(found.of("client.page"), ["page_gateway"]);
    assert.deepEqual(found.of("client.websocket"), ["websocket_gateway"]);
  });
});

describe("two nodes of their own behind nginx", { skip: lacking("nginx-light") }, () => {
  async function diagnoseBehindNginx(nodeArgs: readonly string[], path?: string): Promise<Diagnosis> {
    await using control = await startControl();
    await using at = await startBehindNginx(control, nodeArgs, path);
    return await at.diagnose();
  }

  test("under a path: the doctor goes to the page and the WebSocket below it", async () => {
    const found = await diagnoseBehindNginx([...TRUSTING, "--public-path", "/console"], "/console");

    assert.equal(found.status, 0);
    assert.match(found.line("client.page")?.subject ?? "", /^https:[^?]+:\d+\/console\/p\//);
    for (const check of ["client.page", "client.websocket", "client.forwarding"])
      assert.deepEqual(found.of(check), ["ok"], check);
    for (const check of ["node.page", "node.websocket"])
      assert.deepEqual(found.of(check), ["ok", "ok"], check);
  });

  test("of which one is looked at: that the other one answers as well is no fault", async () => {
    await using control = await startControl();
    await using at = await startBehindNginx(control, TRUSTING);

    const other = await eventually(async () => {
      const found = await at.diagnose(["--node", at.nodeIds[0] ?? ""]);
      const [forwarding = ""] = found.of("client.forwarding");
      assert.match(forwarding, /^(?:ok|skipped_not_asked)$/);
      assert.equal(forwarding, "skipped_not_asked");
      return found;
    });

    assert.deepEqual([other.status, other.of("client.page")], [0, ["ok"]]);
  });

  test("that nobody trusts: it names what is to be said, and to whom", async () => {
    const untrusted = await diagnoseBehindNginx([]);

    assert.deepEqual(untrusted.of("client.forwarding"), ["forwarding_untrusted"]);
    assert.match(untrusted.line("client.forwarding")?.remedy ?? "", /--trusted-proxies/);
    assert.equal(untrusted.status, 0);
  });
});

describe("names that a name server of one's own has", { skip: lackingUnbound }, () => {
  async function named(): Promise<
    { readonly control: Control; readonly resolver: string } & AsyncDisposable
  > {
    await using opened = new AsyncDisposableStack();
    const control = opened.use(await startControl({ args: ["--dns-listen", "127.0.0.1:0"] }));
    opened.use(await startNode(control));
    const server = hostPort(control.dns?.[0] ?? "");
    for (const [name, value] of [
      ["consoleproxy.loadscan.interval", "1000"],
      ["consoleproxy.url.domain", "*.console.example"],
      ["dns.name.servers", "ns1.console.example=127.0.0.1"],
      ["consoleproxy.sslEnabled", "true"],
    ] as const)
      await control.api.call("PUT", `settings/${name}`, { value });
    // Unbound does not forget soon that a server knew nothing.
    const ask = namesOf(control.dns?.[0] ?? "");
    await eventually(async () => await ask("127-0-0-1.console.example", AbortSignal.timeout(60_000)));
    const unbound = opened.use(await startUnbound("console.example", server));
    const owned = opened.move();
    return {
      control,
      resolver: `127.0.0.1:${unbound.port}`,
      [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
    };
  }

  test("are asked of it with --resolver, and lead through TLS to the node", async () => {
    await using at = await named();

    const found = await eventually(async () => {
      const all = await diagnose(at.control, ["--resolver", at.resolver]);
      assert.deepEqual(all.of("control.certificate"), ["ok"]);
      assert.deepEqual(all.of("client.name"), ["ok"]);
      // The node takes the new name for an origin of its own once it has heard of the setting.
      assert.deepEqual(all.of("client.websocket"), ["ok"]);
      return all;
    });

    assert.equal(found.line("client.name")?.facts["addresses"], "127.0.0.1");
    assert.deepEqual(found.of("client.tls"), ["tls_own_authority"]);
    assert.match(found.line("client.tls")?.facts["names"] ?? "", /127-0-0-1\.console\.example/);
    assert.match(found.of("control.name")[0] ?? "", /^(name_unresolved|resolver_silent)$/);
  });
});
