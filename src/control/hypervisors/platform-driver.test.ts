import assert from "node:assert/strict";
import { test } from "node:test";
import { createPlatformDriver, type KeptCredentials } from "./platform-driver.ts";

const OPENS = { username: "console", secret: "geheim" };

const WRONG: Readonly<Record<string, readonly [string, KeptCredentials, RegExp]>> = {
  "an address of another platform": ["qemu:///system", OPENS, /https:/],
  "no account": ["https://xen1", { secret: "geheim" }, /with a username and a secret/],
  "no password": ["https://xen1", { username: "console" }, /with a username and a secret/],
  "what it does nothing with": ["https://xen1", { ...OPENS, sshKey: "k" }, /takes no sshKey/],
  "a pin that is none": ["https://xen1", { ...OPENS, pin: "sha256:1" }, /a pin is/],
  "an authority and a pin": [
    "https://xen1",
    { ...OPENS, caCertificate: "pem", pin: `sha256:${"0".repeat(64)}` },
    /not by both/,
  ],
};

for (const [title, [address, credentials, told]] of Object.entries(WRONG))
  test(`a pool of XenServer with ${title} is refused, with what is wrong`, () => {
    assert.throws(() => open({ address, credentials }), told);
  });

test("a pool of XenServer with an account and a pin is one", async () => {
  const credentials = { ...OPENS, pin: `sha256:${"a0".repeat(32)}` };

  await open({ address: "https://xen1,xen2", credentials })[Symbol.asyncDispose]();
});

function open({ address, credentials }: { readonly address: string; readonly credentials: KeptCredentials }) {
  const hypervisor = { platform: "xenserver", address, readOnly: false, serialStreams: false } as const;
  const commands = { directory: undefined, env: {}, onComplaint: () => {} };
  return createPlatformDriver(hypervisor, credentials, { commands });
}
