import assert from "node:assert/strict";
import { test } from "node:test";
import { certificateAuthority, contactAddress, nameServer } from "./dns-settings.ts";

test("a name server is a name, with an address where one is said", () => {
  assert.deepEqual(nameServer("NS1.Example.com."), { name: "ns1.example.com" });
  assert.deepEqual(nameServer("ns1.example.com = 192.0.2.1"), {
    name: "ns1.example.com",
    address: "192.0.2.1",
  });
  assert.deepEqual(nameServer("ns1.example.com=2001:DB8:0::1"), {
    name: "ns1.example.com",
    address: "2001:db8::1",
  });
  for (const text of [
    "",
    "=192.0.2.1",
    "ns1=x",
    "ns1=",
    "ns1=fe80::1%eth0",
    "*.example.com",
    "192.0.2.1",
    "a b",
    "a=1.2.3.4=5",
  ])
    assert.throws(() => nameServer(text), Error, text);
});

test("a contact is a mail address, or nothing", () => {
  for (const text of ["", "host.master@example.com", "a+b@example.com"])
    assert.equal(contactAddress(text), text);
  for (const text of [
    "a",
    "@example.com",
    "a@",
    "a@b@example.com",
    "a..b@example.com",
    'a"@example.com',
    "a\\b@example.com",
    "a b@example.com",
  ])
    assert.throws(() => contactAddress(text), Error, text);
});

test("an authority is a name with parameters, and nothing that would end the quotes of a zone file", () => {
  assert.equal(certificateAuthority("LetsEncrypt.org"), "letsencrypt.org");
  assert.equal(
    certificateAuthority("ca.example;accounturi=https://ca.example/acct/1; validationmethods=dns-01"),
    "ca.example; accounturi=https://ca.example/acct/1; validationmethods=dns-01",
  );
  for (const text of ["", ";a=b", 'ca.example;a="', "ca.example;a=\\", "ca.example;a", "ca.ex\nample"])
    assert.throws(() => certificateAuthority(text), Error, text);
});
