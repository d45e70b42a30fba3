/** RFC 854: Interpret As Command, and the commands behind it. */
const IAC = 255;
const DONT = 254;
const DO = 253;
const WONT = 252;
const WILL = 251;
/** Subnegotiation begins; its end. */
const SB = 250;
const SE = 240;
const BREAK = 243;

const CR = 13;
const NUL = 0;

/** RFC 856, 857, 858, 1073. */
const OPTION = { binary: 0, echo: 1, suppressGoAhead: 3, windowSize: 31 } as const;

/** What the other side may do: echo what is typed, as a line does that is typed into. */
const TAKEN: ReadonlySet<number> = new Set([OPTION.binary, OPTION.echo, OPTION.suppressGoAhead]);
/** And what it may ask of ours. */
const DONE: ReadonlySet<number> = new Set([OPTION.binary, OPTION.suppressGoAhead, OPTION.windowSize]);

const limits = {
  /** Of one subnegotiation, none of which is understood here. One that goes on is none: what follows are the line's bytes again. */
  subnegotiationBytes: 4 * 1024,
  /** Answers about one option and side, with the size where that is asked for. Peers that ask again and again, as two who answer each other do, are heard no more. */
  answersPerOption: 8,
} as const;

type State = "data" | "command" | "option" | "subnegotiation" | "subnegotiation-command" | "carriage-return";

/** How large a terminal is. */
interface Size {
  readonly columns: number;
  readonly rows: number;
}

/**
 * Our side of telnet (RFC 854) to a serial line. What comes is stripped of all that is telnet's, and what is asked is answered:
 * 8 bits both ways (RFC 856), the other side's echo (RFC 857), no go-aheads (RFC 858), the terminal's size (RFC 1073), and no to all else.
 * An answer is given where something changes, as RFC 1143 has it, and to nobody for ever.
 */
export class Telnet {
  readonly #send: (bytes: Uint8Array) => void;
  #state: State = "data";
  #verb = 0;
  #subnegotiated = 0;
  /** What each side does. */
  readonly #ours = new Set<number>();
  readonly #theirs = new Set<number>();
  readonly #answers = new Map<number, number>();
  #hasOffered = false;
  #size: Size | undefined;

  /** `send` gets what the other side is to be answered. */
  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
  }

  /** The line's bytes in what has come. */
  decode(bytes: Uint8Array): Uint8Array {
    if (this.#state === "data" && this.#theirs.has(OPTION.binary) && !bytes.includes(IAC)) return bytes;
    const data = new Uint8Array(bytes.length);
    let length = 0;
    for (const byte of bytes) if (this.#take(byte)) data[length++] = byte;
    return data.subarray(0, length);
  }

  /** As the line's bytes are written to it. Outside of binary a carriage return has a NUL behind it, as it is no line's end (RFC 854). */
  encode(bytes: Uint8Array): Uint8Array {
    const isBinary = this.#ours.has(OPTION.binary);
    if ((isBinary || !bytes.includes(CR)) && !bytes.includes(IAC)) return bytes;
    const encoded: number[] = [];
    for (const byte of bytes) {
      encoded.push(byte);
      if (byte === IAC) encoded.push(IAC);
      if (byte === CR && !isBinary) encoded.push(NUL);
    }
    return Uint8Array.from(encoded);
  }

  /** The break signal (RFC 854). */
  sendBreak(): void {
    this.#send(Uint8Array.of(IAC, BREAK));
  }

  /** Told the other side, now or as soon as it wants to know. */
  resize(size: Size): void {
    this.#size = size;
    this.#sendSize();
  }

  /** Whether the byte is the line's. */
  #take(byte: number): boolean {
    switch (this.#state) {
      case "data":
        return this.#takeData(byte);
      case "carriage-return":
        this.#state = "data";
        return byte !== NUL && this.#takeData(byte);
      case "command":
        return this.#takeCommand(byte);
      case "option":
        this.#state = "data";
        this.#negotiate(this.#verb, byte);
        return false;
      case "subnegotiation":
        this.#subnegotiated += 1;
        if (byte === IAC) this.#state = "subnegotiation-command";
        else if (this.#subnegotiated > limits.subnegotiationBytes) this.#state = "data";
        return false;
      case "subnegotiation-command":
        this.#state = byte === SE ? "data" : "subnegotiation";
        return false;
      default:
        return this.#state satisfies never;
    }
  }

  #takeData(byte: number): boolean {
    if (byte === IAC) {
      this.#state = "command";
      return false;
    }
    if (byte === CR && !this.#theirs.has(OPTION.binary)) this.#state = "carriage-return";
    return true;
  }

  /** Commands without an option are of no use to a line's viewer: no operation, data mark, go ahead, are you there. */
  #takeCommand(byte: number): boolean {
    this.#state = "data";
    if (byte === IAC) return true;
    if (byte >= WILL) {
      this.#verb = byte;
      this.#state = "option";
    }
    if (byte === SB) {
      this.#subnegotiated = 0;
      this.#state = "subnegotiation";
    }
    return false;
  }

  #negotiate(verb: number, option: number): void {
    const isOffer = verb === WILL || verb === WONT;
    const sides = isOffer ? this.#theirs : this.#ours;
    const isWanted = verb === WILL || verb === DO;
    const isAgreed = isWanted && (isOffer ? TAKEN : DONE).has(option);
    const isNew = sides.has(option) !== isAgreed;
    if (isAgreed) sides.add(option);
    else sides.delete(option);
    // Who says that something is not so, or that it is as it is already, is not answered (RFC 1143 §7).
    if (isNew || (isWanted && !isAgreed)) this.#answer(isOffer, isAgreed, option);
    this.#offerSize();
  }

  #answer(isOffer: boolean, isAgreed: boolean, option: number): void {
    const side = isOffer ? 256 + option : option;
    const given = this.#answers.get(side) ?? 0;
    if (given >= limits.answersPerOption) return;
    this.#answers.set(side, given + 1);
    const yes = isOffer ? DO : WILL;
    const no = isOffer ? DONT : WONT;
    const isAskedForSize = !isOffer && isAgreed && option === OPTION.windowSize;
    // INVARIANT: we have offered the size ourselves, so being asked for it is the answer.
    if (!isAskedForSize || !this.#hasOffered) this.#send(Uint8Array.of(IAC, isAgreed ? yes : no, option));
    if (isAskedForSize) this.#sendSize();
  }

  /** Once, and only to who has shown that it speaks telnet: on a bare line it would be typed into the machine. */
  #offerSize(): void {
    if (this.#hasOffered) return;
    this.#hasOffered = true;
    if (!this.#ours.has(OPTION.windowSize)) this.#send(Uint8Array.of(IAC, WILL, OPTION.windowSize));
  }

  #sendSize(): void {
    if (this.#size === undefined || !this.#ours.has(OPTION.windowSize)) return;
    const { columns, rows } = this.#size;
    const content = [columns >> 8, columns & 255, rows >> 8, rows & 255];
    const escaped = content.flatMap((byte) => (byte === IAC ? [IAC, IAC] : [byte]));
    this.#send(Uint8Array.of(IAC, SB, OPTION.windowSize, ...escaped, IAC, SE));
  }
}
