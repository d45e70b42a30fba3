import { type Static, Type } from "typebox";
import { PlainAddress } from "./grant.ts";
import { Incarnation } from "./link.ts";
import { Facts, selfCheckLimits } from "./self-check.ts";

const limits = {
  /** Of a node's answer: its own entrance, its clock, and each screen. */
  lines: 64,
  subjectCharacters: 500,
} as const;

const Run = Type.String({ minLength: 8, maxLength: 64 });

/** The screen of a machine, where its console would be dialled. Never with a password: nobody signs in. */
export const CheckedScreen = Type.Object({
  machine: Type.String({ maxLength: 128 }),
  address: PlainAddress,
});
export type CheckedScreen = Static<typeof CheckedScreen>;

/**
 * The node looks at its own names, at its own entrance as a browser has it, and at these screens, and tells by `checked` what
 * it found. For some minutes it tells whoever has the token how a request reached it. An older node knows no such command.
 */
export const CheckCommand = Type.Object({
  incarnation: Incarnation,
  run: Run,
  token: Type.String({ minLength: 32, maxLength: 64 }),
  screens: Type.Array(CheckedScreen, { maxItems: selfCheckLimits.hypervisors }),
});
export type CheckCommand = Static<typeof CheckCommand>;

/** Whether it does: it looks once at a time. */
export const CheckAnswer = Type.Object({ looks: Type.Boolean() });
export type CheckAnswer = Static<typeof CheckAnswer>;

/** What a node saw: names of checks and findings of its own version. */
const SeenByNode = Type.Object({
  check: Type.String({ maxLength: 64 }),
  subject: Type.Optional(Type.String({ maxLength: limits.subjectCharacters })),
  finding: Type.String({ maxLength: 64 }),
  facts: Type.Optional(Facts),
});
export type SeenByNode = Static<typeof SeenByNode>;

export const CheckedRequest = Type.Object({
  incarnation: Incarnation,
  run: Run,
  lines: Type.Array(SeenByNode, { maxItems: limits.lines }),
});
export type CheckedRequest = Static<typeof CheckedRequest>;

/** What a node saw, cut to what control takes: certificates, names and servers say as much as they like. */
export function withinBounds(lines: readonly SeenByNode[]): SeenByNode[] {
  return lines.slice(0, limits.lines).map(({ subject, facts, ...line }) => ({
    ...line,
    ...(subject === undefined ? {} : { subject: cut(subject, limits.subjectCharacters) }),
    ...(facts === undefined ? {} : { facts: cutFacts(facts) }),
  }));
}

function cutFacts(facts: Facts): Facts {
  const { factCharacters, facts: count } = selfCheckLimits;
  return Object.fromEntries(
    Object.entries(facts)
      .slice(0, count)
      .map(([name, value]) => [name, cut(value, factCharacters)]),
  );
}

function cut(text: string, characters: number): string {
  return text.length > characters ? `${text.slice(0, characters - 1)}…` : text;
}
