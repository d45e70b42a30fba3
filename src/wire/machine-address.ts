import { Type } from "typebox";

/** Where the console of a machine that was registered by hand is. */
export const Address = Type.String({
  minLength: 1,
  maxLength: 1024,
  description:
    "HOST:PORT, [IPv6]:PORT or unix:/PATH, as the console nodes reach it; tls://HOST:PORT for TLS from the first byte on, ws://HOST:PORT/PATH or wss://HOST:PORT/PATH for a WebSocket",
});

/** Of a line. */
export const SerialAddress = Type.String({
  minLength: 1,
  maxLength: 1024,
  description:
    "Of the machine's serial line beside its screen: as `address`, or telnet://HOST:PORT, telnets://HOST:PORT (telnet within TLS) or telnet+unix:/PATH where telnet is spoken there",
});
