import type { ConsoleProtocol } from "#wire/grant.ts";
import { openRfb } from "../upstreams/rfb.ts";
import { openSerial } from "../upstreams/serial.ts";
import { openSpice } from "../upstreams/spice.ts";
import { openWebMks } from "../upstreams/webmks.ts";
import type { Opening } from "./opening.ts";

/** How a console is opened, by what it speaks. */
export const OPENINGS: Readonly<Record<ConsoleProtocol, Opening>> = {
  rfb: openRfb,
  serial: openSerial,
  webmks: openWebMks,
  spice: openSpice,
};
