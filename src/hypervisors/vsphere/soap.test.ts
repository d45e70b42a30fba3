import assert from "node:assert/strict";
import { test } from "node:test";
import { HypervisorError } from "../hypervisor-error.ts";
import { envelope, readAnswer, VsphereFault, value } from "./soap.ts";
import { readXml, textOf } from "./xml.ts";

const inBody = (body: string) =>
  `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>${body}</soapenv:Body></soapenv:Envelope>`;

const fault = (detail: string) =>
  inBody(
    `<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>Permission to perform this operation was denied.</faultstring><detail>${detail}</detail></soapenv:Fault>`,
  );

test("what is asked is one element, and no password can be more than its value", () => {
  const said = envelope("Login", { type: "SessionManager", id: "s" }, value("password", "</password><x/>&"));

  const body = readXml(said).children[0];
  const [login] = body?.children ?? [];

  assert.deepEqual(
    login?.children.map(({ name }) => name),
    ["_this", "password"],
  );
  assert.equal(login === undefined ? "" : textOf(login, "password"), "</password><x/>&");
});

test("a fault has its name and the privilege that was lacking", () => {
  const typed =
    '<NoPermissionFault xsi:type="NoPermission"><privilegeId>VirtualMachine.Interact.ConsoleInteract</privilegeId></NoPermissionFault>';
  const untyped = "<InvalidLoginFault/>";

  for (const [detail, name, privilege] of [
    [typed, "NoPermission", "VirtualMachine.Interact.ConsoleInteract"],
    [untyped, "InvalidLogin", undefined],
    ["", "fault", undefined],
  ] as const)
    assert.throws(
      () => readAnswer(fault(detail), "Login"),
      (error) => error instanceof VsphereFault && error.fault === name && error.privilege === privilege,
    );
});

test("whoever is told no property for want of a session is told that he has none", () => {
  const missing =
    '<missingSet><path>name</path><fault><fault xsi:type="NotAuthenticated"/></fault></missingSet>';
  const answer = inBody(
    `<RetrievePropertiesExResponse><returnval><objects><obj type="Folder">f</obj>${missing}</objects></returnval></RetrievePropertiesExResponse>`,
  );

  assert.throws(
    () => readAnswer(answer, "RetrievePropertiesEx"),
    (error) => error instanceof VsphereFault && error.fault === "NotAuthenticated",
  );
});

test("what is no answer to the question is none", () => {
  for (const xml of ["<html/>", inBody(""), inBody("<LogoutResponse/>"), "<Envelope/>"])
    assert.throws(() => readAnswer(xml, "Login"), HypervisorError);
});
