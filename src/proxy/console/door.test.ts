import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { test } from "node:test";
import { captureLog } from "../../../test/harness/test-node.ts";
import { Door } from "./door.ts";

const UPGRADE = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

test("who can neither be let in nor refused is hung up on, and leaves nothing behind", async () => {
  const { logger: log, text } = captureLog();
  const broken = () => {
    throw new Error("something is broken");
  };
  const door = new Door({
    log,
    maxSessions: 1,
    closingMs: 60_000,
    sessions: {
      ...{ connections: 0, open: broken, missed: broken, turnAway: broken },
      ...{ hasRoomForChannel: broken, join: broken },
    },
    headers: broken,
    requiresTls: () => false,
    checkOrigin: broken,
    addressee: broken,
    forward: broken,
    admit: broken,
  });
  await using server = createServer();
  server.on("upgrade", (request, socket, head) => door.handle(request, socket as Socket, head));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const viewer = connect((server.address() as AddressInfo).port, "127.0.0.1").resume();

  viewer.write(UPGRADE);
  await once(viewer, "close");

  assert.match(text(), /could neither be opened nor refused/);
  await door.close();
});
