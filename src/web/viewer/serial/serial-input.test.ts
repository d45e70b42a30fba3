import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../../test/harness/eventually.ts";
import type { ConsoleChannel } from "../channel.ts";
import { cleanText } from "./paste.ts";
import { SerialInput } from "./serial-input.ts";

/** Of all that a channel does, nothing else is asked for. */
function connected() {
  const sent: string[] = [];
  const input = new SerialInput();
  const channel = {
    bufferedAmount: 0,
    send: (bytes: Uint8Array) => void sent.push(new TextDecoder().decode(bytes)),
  };
  input.connect(channel as unknown as ConsoleChannel);
  return { input, sent };
}

test("a text that waits for the one before goes out behind it, which ends", async () => {
  const { input, sent } = connected();
  const first = await begun(input);

  const second = input.paste(cleanText("three"), { pace: "normal", bracketed: false });

  assert.equal(await second, "three".length);
  assert.deepEqual(sent, ["\x1b[200~", "one\r", "\x1b[201~", "three"]);
  assert.equal(await first.sent, "one\r".length);
});

test("when pasting is stopped, a text that waits for the one before does not go out either", async () => {
  const { input, sent } = connected();
  const first = await begun(input);
  const second = input.paste(cleanText("three"), { pace: "normal", bracketed: true });

  input.stop();

  assert.equal(await second, 0);
  await first.sent;
  assert.deepEqual(sent, ["\x1b[200~", "one\r", "\x1b[201~"]);
  assert.equal(input.pasting.value, undefined);
});

/** A text whose first line has gone out. */
async function begun(input: SerialInput): Promise<{ readonly sent: Promise<number> }> {
  const sent = input.paste(cleanText("one\ntwo\n"), { pace: "normal", bracketed: true });
  await eventually(() => assert.equal(input.pasting.value?.typed, "one\r".length));
  return { sent };
}
