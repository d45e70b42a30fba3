/** What we use of noVNC 1.7's documented interface (docs/API.md in its package). */
declare module "@novnc/novnc" {
  /** What noVNC needs of a WebSocket or RTCDataChannel that it is given. */
  export interface RawChannel {
    binaryType: string;
    readonly protocol: string;
    readonly readyState: number | string;
    onopen: ((event: Event) => void) | null;
    onmessage: ((event: { readonly data: ArrayBuffer }) => void) | null;
    onerror: ((event: Event) => void) | null;
    onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
    send(data: Uint8Array<ArrayBuffer>): void;
    close(): void;
  }

  interface Events {
    connect: CustomEvent<Record<string, never>>;
    disconnect: CustomEvent<{ readonly clean: boolean }>;
    securityfailure: CustomEvent<{ readonly status: number; readonly reason?: string }>;
    credentialsrequired: CustomEvent<{ readonly types: readonly string[] }>;
    clipboard: CustomEvent<{ readonly text: string }>;
    bell: CustomEvent<Record<string, never>>;
    desktopname: CustomEvent<{ readonly name: string }>;
    capabilities: CustomEvent<{ readonly capabilities: { readonly power: boolean } }>;
    clippingviewport: CustomEvent<boolean>;
  }

  export default class RFB {
    constructor(target: Element, channel: RawChannel, options?: { readonly shared?: boolean });

    viewOnly: boolean;
    focusOnClick: boolean;
    clipViewport: boolean;
    dragViewport: boolean;
    scaleViewport: boolean;
    resizeSession: boolean;
    showDotCursor: boolean;
    background: string;
    /** 0 to 9. */
    qualityLevel: number;
    /** 0 to 9. */
    compressionLevel: number;
    readonly clippingViewport: boolean;
    readonly capabilities: { readonly power: boolean };

    disconnect(): void;
    focus(options?: FocusOptions): void;
    blur(): void;
    sendKey(keysym: number, code: string | null, down?: boolean): void;
    clipboardPasteFrom(text: string): void;
    machineShutdown(): void;
    machineReboot(): void;
    machineReset(): void;
    toBlob(callback: (blob: Blob | null) => void, type?: string, quality?: number): void;

    addEventListener<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): void;
  }
}
