import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, parseMachineAddress } from "./machine-address.ts";

const UUID = "01234567-89ab-cdef-0123-456789abcdef";
const smbios1 = `base64=1,manufacturer=UUVNVQ==,uuid=${UUID.toUpperCase()}`;
const meta = "creation-qemu=8.1.5,ctime=1700000000";

test("an address has the number, the time of creation and the UUID, as far as there are any", () => {
  for (const [config, address] of [
    [{ meta, smbios1 }, `100/1700000000/${UUID}`],
    [{ meta }, "100/1700000000/-"],
    [{ smbios1 }, `100/-/${UUID}`],
  ] as const) {
    assert.equal(addressOf(100, config), address);
    assert.equal(parseMachineAddress(address).vmid, 100);
  }
});

test("a machine that nothing tells from the next one of its number has no address", () => {
  for (const config of [{}, { meta: "ctime=x", smbios1: "uuid=y" }, { meta: "", smbios1: "" }])
    assert.equal(addressOf(100, config), undefined);
  for (const text of ["100", "100/-/-", "99/1/-", "100/1", `100/1/${UUID}/x`, "100/1/../x", "0100/1/-"])
    assert.throws(() => parseMachineAddress(text), /not the VMID/, text);
});
