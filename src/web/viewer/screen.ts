import type RFB from "@novnc/novnc";
import type { ConsoleChannel } from "./channel.ts";
import type { Attached } from "./connection.ts";
import type { Key } from "./keys.ts";
import { canResize, drawn, heldBackBytes, screenSize, takesUnicode } from "./novnc-internals.ts";
import type { Surface, SurfaceListener } from "./surface.ts";

export const SCALES = ["fit", "actual", "remote"] as const;
/** The picture fits the page, or is shown pixel by pixel, or the machine is asked for a screen of the page's size. */
export type Scale = (typeof SCALES)[number];

export const QUALITIES = ["best", "balanced", "frugal"] as const;
export type Quality = (typeof QUALITIES)[number];

/** JPEG quality and compression effort as RFB's pseudo-encodings have them, 0 to 9. */
const LEVELS: Readonly<Record<Quality, { readonly quality: number; readonly compression: number }>> = {
  best: { quality: 9, compression: 1 },
  balanced: { quality: 6, compression: 2 },
  frugal: { quality: 1, compression: 9 },
};

export interface ScreenListener extends SurfaceListener {
  clipboard(text: string): void;
  named(name: string): void;
  /** Whether the hypervisor takes power commands here. */
  power(can: boolean): void;
  /** Whether only a part of the picture is seen, so that it can be moved about. */
  clipping(on: boolean): void;
}

/** Pixels to each side of the sample that tells whether there is a picture. */
const SAMPLE = 4;

/** The machine's screen: noVNC inside an element of the page. */
export class Screen implements Surface {
  readonly #rfb: RFB;
  readonly #canvas: HTMLCanvasElement;
  readonly #listener: ScreenListener;
  #pictured = false;
  #done = false;

  constructor(
    Rfb: typeof RFB,
    host: HTMLElement,
    { channel, listener }: { channel: ConsoleChannel; listener: ScreenListener },
  ) {
    this.#listener = listener;
    this.#rfb = new Rfb(host, channel, { shared: true });
    this.#rfb.viewOnly = true;
    this.#rfb.background = "transparent";
    const canvas = host.querySelector("canvas");
    if (canvas === null) throw new Error("noVNC made no canvas");
    this.#canvas = canvas;
    // noVNC leaves it out of the order of Tab, and nameless.
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.addEventListener("blur", () => this.releaseKeys());
    this.#listen();
  }

  /** What is still to be read of what was delivered, and a promise of when, where noVNC is behind. */
  backlog(): { readonly bytes: number; readonly read: Promise<void> } | undefined {
    const bytes = heldBackBytes(this.#rfb);
    this.#lookForPicture();
    return bytes === 0 ? undefined : { bytes, read: drawn(this.#rfb) };
  }

  get takesUnicode(): boolean {
    return takesUnicode(this.#rfb);
  }

  get canResize(): boolean {
    return canResize(this.#rfb);
  }

  get size(): { readonly width: number; readonly height: number } {
    return screenSize(this.#rfb);
  }

  scale(scale: Scale): void {
    // With a finger there are no scroll bars to take hold of: the picture itself is moved.
    this.#rfb.clipViewport = scale === "actual" && matchMedia("(pointer: coarse)").matches;
    this.#rfb.scaleViewport = scale !== "actual";
    this.#rfb.resizeSession = scale === "remote";
  }

  quality(quality: Quality): void {
    this.#rfb.qualityLevel = LEVELS[quality].quality;
    this.#rfb.compressionLevel = LEVELS[quality].compression;
  }

  attached({ rights }: Attached): void {
    this.#rfb.viewOnly = !rights.input;
  }

  /** With `on`, dragging moves the picture instead of the machine's pointer. */
  pan(on: boolean): void {
    this.#rfb.dragViewport = on;
  }

  label(name: string): void {
    this.#canvas.setAttribute("aria-label", name);
  }

  focus(): void {
    this.#rfb.focus({ preventScroll: true });
  }

  /** Whether a press on the picture brings the keyboard to it. */
  keepsFocus(on: boolean): void {
    this.#rfb.focusOnClick = on;
  }

  key({ keysym, code }: Key, down: boolean): void {
    this.#rfb.sendKey(keysym, code === "" ? null : code, down);
  }

  /** Lets go of every key that noVNC holds down. It does so itself only when the whole window loses the keyboard. */
  releaseKeys(): void {
    window.dispatchEvent(new Event("blur"));
  }

  sendClipboard(text: string): void {
    this.#rfb.clipboardPasteFrom(text);
  }

  power(command: "shutdown" | "reboot" | "reset"): void {
    if (command === "shutdown") this.#rfb.machineShutdown();
    else if (command === "reboot") this.#rfb.machineReboot();
    else this.#rfb.machineReset();
  }

  async picture(): Promise<Blob | null> {
    return await new Promise((resolve) => this.#rfb.toBlob(resolve, "image/png"));
  }

  /** A copy of what is to be seen now, to be kept when the console ends. */
  lastFrame(): HTMLCanvasElement | undefined {
    if (!this.#pictured || this.#canvas.width === 0) return undefined;
    const copy = document.createElement("canvas");
    copy.width = this.#canvas.width;
    copy.height = this.#canvas.height;
    copy.getContext("2d")?.drawImage(this.#canvas, 0, 0);
    return copy;
  }

  /** Takes the picture off the page. */
  close(): void {
    if (this.#done) return;
    this.#done = true;
    this.releaseKeys();
    this.#rfb.disconnect();
  }

  #listen(): void {
    const rfb = this.#rfb;
    const listener = this.#listener;
    rfb.addEventListener("clipboard", ({ detail }) => listener.clipboard(detail.text));
    rfb.addEventListener("desktopname", ({ detail }) => listener.named(detail.name));
    rfb.addEventListener("capabilities", ({ detail }) => listener.power(detail.capabilities.power));
    rfb.addEventListener("clippingviewport", ({ detail }) => listener.clipping(detail));
    rfb.addEventListener("securityfailure", ({ detail }) => this.#fail(detail.reason));
    rfb.addEventListener("credentialsrequired", () => this.#fail());
    rfb.addEventListener("disconnect", ({ detail }) => {
      if (!detail.clean) this.#fail();
    });
  }

  #fail(reason?: string): void {
    if (!this.#done) this.#listener.failed(reason);
  }

  /**
   * noVNC says when it is connected, not when it has drawn: its canvas is see-through until then. A small copy is
   * read instead of the canvas, which browsers move out of the graphics card when it is read.
   */
  #lookForPicture(): void {
    if (this.#pictured || this.#canvas.width === 0 || this.#canvas.height === 0) return;
    const sample = document.createElement("canvas");
    sample.width = SAMPLE;
    sample.height = SAMPLE;
    const context = sample.getContext("2d", { willReadFrequently: true });
    context?.drawImage(this.#canvas, 0, 0, SAMPLE, SAMPLE);
    const pixels = context?.getImageData(0, 0, SAMPLE, SAMPLE).data ?? [];
    this.#pictured = pixels.some((value, index) => index % 4 === 3 && value > 0);
    if (this.#pictured) this.#listener.pictured();
  }
}
