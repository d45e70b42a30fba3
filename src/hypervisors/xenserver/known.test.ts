import assert from "node:assert/strict";
import { test } from "node:test";
import { toKnown, toPower } from "./known.ts";
import { NO_REF } from "./records.ts";

const VM = {
  ...{ uuid: "5F3C0B9E-0000-4000-8000-000000000001", name_label: "web", power_state: "Running" },
  ...{ is_a_template: false, is_a_snapshot: false, is_control_domain: false },
  ...{ resident_on: NO_REF, guest_metrics: NO_REF },
};

test("a machine is known by its UUID, in one spelling, with what its guest's tools told", () => {
  const guests: Readonly<Record<string, Record<string, string>>> = {
    windows: { name: "Microsoft Windows Server 2022|C:\\Windows", distro: "windows" },
    linux: { name: "Debian GNU/Linux 12", distro: "debian", uname: "6.1.0-18-amd64" },
    bsd: { name: "FreeBSD 14.0", distro: "freebsd" },
    other: { name: "Oracle Solaris 11", distro: "solaris" },
    unknown: {},
  };
  for (const [guest, os_version] of Object.entries(guests))
    assert.deepEqual(toKnown(VM, { os_version }), {
      ...{ address: VM.uuid.toLowerCase(), name: "web", power: "running", guest },
    });
  assert.equal(toKnown(VM, undefined).guest, "unknown");
});

test("a machine that is suspended does not run, and a state of later versions is not known", () => {
  assert.deepEqual(["Running", "Paused", "Halted", "Suspended", "Dreaming"].map(toPower), [
    ...["running", "paused", "stopped", "stopped", "unknown"],
  ]);
});
