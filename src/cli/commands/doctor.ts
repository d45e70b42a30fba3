import type { Command } from "commander";
import { hostPort } from "#base/config.ts";
import { namesOf, systemNames } from "#base/process/probe/resolve-name.ts";
import { systemRoots } from "#base/process/probe/seen-certificate.ts";
import { NodeAuthority } from "#wire/certificate.ts";
import { controlClock, SelfCheck, toLine, withTokens } from "#wire/self-check.ts";
import { clientLines } from "../doctor/client-lines.ts";
import { report, summaryOf } from "../doctor/report.ts";
import { CliFailure } from "../exit-status.ts";
import { action, type CliContext, type Invocation } from "../invocation.ts";

interface Options {
  readonly node?: string;
  readonly resolver?: string;
}

/** The self-check, from control, its nodes, and this machine as a browser's. */
export function doctorCommands(program: Command, context: CliContext): void {
  program
    .command("doctor")
    .description(
      "Look why consoles do not open, from control, its nodes and this machine; each line says what to do",
    )
    .option("--node <node>", "this node alone, by its id")
    .option("--resolver <host:port>", "the name server that is asked here; the system's resolver if absent")
    .action(
      action(
        context,
        async (invocation, options: Options) => await doctor(invocation, options, context.stop),
      ),
    );
}

async function doctor({ api, output }: Invocation, options: Options, signal: AbortSignal): Promise<void> {
  const resolve = options.resolver === undefined ? systemNames : namesOf(checked(options.resolver));
  const body = options.node === undefined ? {} : { node: options.node };
  const before = Date.now();
  const look = async (side: "control" | "nodes") =>
    await api.call({ method: "POST", path: ["self-check", side], body, answer: SelfCheck });
  const control = await look("control");
  const clock = toLine(controlClock(api.url, { told: control.now, before, after: Date.now() }));
  const { certificate: authority } = await api.call({
    method: "GET",
    path: ["certificates", "authority"],
    answer: NodeAuthority,
  });
  const trust = { roots: systemRoots(), authority };
  const nodes = await look("nodes").catch(failure);
  const asked = nodes instanceof CliFailure ? undefined : nodes;
  const client = await clientLines(withTokens(control, asked), { resolve, trust, signal });

  const lines = [...control.lines, ...(asked?.lines ?? []), clock, ...client];
  const summary = summaryOf(lines);
  output.result(
    { summary, lines },
    report(lines, (tone, text) => output.painted(tone, text)),
  );
  // What the other sides see is of use all the same.
  if (nodes instanceof CliFailure) throw nodes;
  if (summary.failed > 0)
    throw new CliFailure("unhealthy", `${summary.failed} of ${lines.length} checks failed`, {
      remedy: "What to do stands with each: docs/operations/doctor.md has more.",
    });
}

/** Throws what is none of the command line's own. */
function failure(error: unknown): CliFailure {
  if (error instanceof CliFailure) return error;
  throw error;
}

function checked(resolver: string): string {
  try {
    hostPort(resolver);
    return resolver;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliFailure("usage", `--resolver ${resolver}: ${reason}`, { cause });
  }
}
