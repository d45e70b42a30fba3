import { ProgramError, runProgram } from "#base/process/bounded-run.ts";
import { ownedScript } from "#base/process/owned-script.ts";
import type { Secret } from "#base/secret.ts";
import { Turns } from "#base/turns.ts";
import { GatewayError, printable } from "#wire/gateway-error.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import type { Answer, Request, Verb } from "./answers.ts";
import type { CommandAddress, CommandPlace } from "./place.ts";
import { readAnswer } from "./read-answer.ts";

const limits = {
  /** Processes of one hypervisor at once. */
  running: 4,
  /** Questions that wait for their turn. */
  waiting: 256,
  /** For one question, its waiting included: somebody waits for a console, or for a list of thousands. */
  questionMs: { list: 30_000, machine: 8_000, resolve: 8_000, power: 15_000, screenshot: 15_000 },
  /** Of what it complains, for the log. */
  complaintCharacters: 300,
  /** What may be answered. */
  bytes: {
    list: 8 * 1024 * 1024,
    machine: 64 * 1024,
    resolve: 256 * 1024,
    power: 4_096,
    screenshot: 24 * 1024 * 1024,
  },
} as const satisfies Record<string, number | Record<Verb, number>>;

/** Of control's environment, what a command may need to find its tools. */
const PASSED_ON = ["PATH", "HOME", "LANG", "TZ"] as const;

interface CommandSecrets {
  readonly secret?: Secret | undefined;
  readonly caCertificate?: string | undefined;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: Secret | undefined;
  readonly sshKey?: Secret | undefined;
  readonly sshKnownHosts?: string | undefined;
}

export interface CommandAccess extends CommandSecrets, CommandAddress {
  readonly place: CommandPlace;
  readonly isReadOnly: boolean;
}

/** What a question is about; a list is about nothing. */
type About = Pick<Request, "address" | "action" | "protocol">;

/**
 * One executable of the operator's: each question is a process of its own, which is told what it has to know on standard
 * input and answers with JSON (docs/command-driver.md). It is judged anew each time whether it may be run.
 */
export class CommandRunner {
  readonly #access: CommandAccess;
  readonly #closing = new AbortController();
  readonly #turns = new Turns({
    atWork: limits.running,
    waiting: limits.waiting,
    full: () => this.#failed("answer", "too many questions wait for its answers"),
  });

  constructor(access: CommandAccess) {
    this.#access = access;
  }

  /** Throws a GatewayError that its refusal stands for, a HypervisorError, or the signal's reason. */
  async ask<Asked extends Verb>(verb: Asked, about: About, signal?: AbortSignal): Promise<Answer<Asked>> {
    signal?.throwIfAborted();
    const deadline = AbortSignal.timeout(limits.questionMs[verb]);
    const over = AbortSignal.any([deadline, this.#closing.signal, ...(signal === undefined ? [] : [signal])]);
    const { promise: givenUp, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(over.reason);
    over.addEventListener("abort", giveUp, { once: true });
    // A process that does not end when it is told to keeps its place until it is killed, and nobody waiting.
    const answer = this.#turns.take(async () => await this.#run(verb, about, over), over);
    try {
      return await Promise.race([answer, givenUp]);
    } catch (error) {
      if (error !== over.reason || error !== deadline.reason) throw error;
      const seconds = limits.questionMs[verb] / 1000;
      throw this.#failed("answer", `${verb} has not answered within ${seconds} s`, error);
    } finally {
      over.removeEventListener("abort", giveUp);
      answer.catch(() => {});
    }
  }

  /** What runs is ended. */
  close(): void {
    this.#closing.abort(new HypervisorError("command", "the hypervisor was closed from here"));
  }

  async #run<Asked extends Verb>(verb: Asked, about: About, over: AbortSignal): Promise<Answer<Asked>> {
    const { place, name } = this.#access;
    const program = {
      file: this.#file(),
      args: [verb],
      cwd: "/",
      env: passedOn(place.env),
      outputBytes: limits.bytes[verb],
      leavesNothing: true,
    };
    try {
      const { output, complaint } = await runProgram(
        program,
        `${JSON.stringify(this.#request(about))}\n`,
        over,
      );
      if (complaint !== "") place.onComplaint({ command: `${name} ${verb}`, said: this.#end(complaint) });
      return this.#read(verb, output);
    } catch (cause) {
      if (!(cause instanceof ProgramError)) throw cause;
      // Without the cause: logs tell the words of causes too, and those of this one are as the program said them.
      throw new HypervisorError("command", this.#plain(cause.message));
    }
  }

  #file(): string {
    const { place, name } = this.#access;
    if (place.directory === undefined)
      throw new HypervisorError(
        "command",
        "this control runs no commands: it was started without --command-drivers",
      );
    try {
      return ownedScript(place.directory, name, "--command-drivers");
    } catch (cause) {
      throw this.#failed("command", cause instanceof Error ? cause.message : String(cause), cause);
    }
  }

  #request(about: About): Request {
    const { target, isReadOnly, secret, caCertificate, clientCertificate, clientKey, sshKey, sshKnownHosts } =
      this.#access;
    const told = {
      target,
      ...{ secret: secret?.expose(), clientKey: clientKey?.expose(), sshKey: sshKey?.expose() },
      ...{ caCertificate, clientCertificate, sshKnownHosts },
      ...about,
    };
    const there = Object.entries(told).filter(([, value]) => value !== undefined);
    return { version: 1, readOnly: isReadOnly, ...Object.fromEntries(there) };
  }

  #read<Asked extends Verb>(verb: Asked, output: Uint8Array): Answer<Asked> {
    const answer = readAnswer(verb, output);
    if ("answer" in answer) return answer.answer;
    if ("problem" in answer) throw this.#failed("answer", `${verb} ${answer.problem}`);
    const { reason, message } = answer.refusal.error;
    // The message is for administrators, and of a GatewayError the public is not told the cause.
    const said = this.#plain(message);
    switch (reason) {
      case "machine_gone":
      case "machine_not_running":
        throw new GatewayError(reason, { cause: new Error(said) });
      case "not_supported":
        throw new GatewayError("upstream_refused", {
          cause: new Error(said),
          detail: `${this.#access.name}: not supported`,
        });
      default:
        throw new HypervisorError(reason, said);
    }
  }

  #failed(step: HypervisorError["step"], problem: string, cause?: unknown): HypervisorError {
    return new HypervisorError(step, `${this.#access.name} ${problem}`, { cause });
  }

  /** One line for people, without what it was told in confidence. */
  #plain(text: string): string {
    return printable(this.#hidden(text));
  }

  /** The same of its end: its last words are what counts. */
  #end(text: string): string {
    return printable(this.#hidden(text).trimEnd().slice(-limits.complaintCharacters));
  }

  #hidden(text: string): string {
    const { secret, clientKey, sshKey } = this.#access;
    const told = [secret, clientKey, sshKey].flatMap((each) => each?.expose().split("\n") ?? []);
    const hidden = told.filter((line) => line.length >= 4 && !line.startsWith("-----"));
    return hidden.reduce((said, line) => said.replaceAll(line, "…"), text);
  }
}

function passedOn(env: CommandPlace["env"]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
}
