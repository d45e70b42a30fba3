import type { PowerAction } from "#wire/power-action.ts";
import type { Language } from "./language.ts";

interface PowerText {
  readonly word: string;
  /** What it does, beside its button. */
  readonly meaning: string;
  /** Once the hypervisor has taken it. */
  readonly taken: string;
}

export interface PowerTexts {
  readonly actions: Readonly<Record<PowerAction, PowerText>>;
  /** Asked once more, of what cannot be taken back. */
  readonly sure: Readonly<Record<HardAction, (machine: string) => string>>;
  readonly lost: Readonly<Record<HardAction, string>>;
}

/** What may be lost by it: asked once more. */
export type HardAction = "cut" | "reset";

export function isHard(action: PowerAction): action is HardAction {
  return action === "cut" || action === "reset";
}

export const POWER_TEXTS: Readonly<Record<Language, PowerTexts>> = {
  en: {
    actions: {
      start: { word: "Start", meaning: "The hypervisor starts it.", taken: "The hypervisor starts it." },
      stop: {
        word: "Shut down",
        meaning: "Asks its operating system, which may not heed it.",
        taken: "It was asked to shut down. Its operating system may take a while, or not heed it.",
      },
      restart: {
        word: "Restart",
        meaning: "Asks its operating system, which may not heed it.",
        taken: "It was asked to restart. Its operating system may take a while, or not heed it.",
      },
      cut: {
        word: "Cut the power",
        meaning: "At once, as if the plug were pulled.",
        taken: "Its power is cut.",
      },
      reset: {
        word: "Reset",
        meaning: "At once, as if its reset button were pressed.",
        taken: "It was reset, and starts anew.",
      },
    },
    sure: {
      cut: (machine) => `Cut the power of ${machine}?`,
      reset: (machine) => `Reset ${machine}?`,
    },
    lost: {
      cut: "It stops at once, for everybody who works on it. What it has not written to its disks is lost.",
      reset:
        "It starts anew at once, for everybody who works on it. What it has not written to its disks is lost.",
    },
  },
  de: {
    actions: {
      start: {
        word: "Starten",
        meaning: "Der Hypervisor startet sie.",
        taken: "Der Hypervisor startet sie.",
      },
      stop: {
        word: "Herunterfahren",
        meaning: "Bittet ihr Betriebssystem, das nicht darauf hören muss.",
        taken:
          "Sie wurde gebeten, herunterzufahren. Ihr Betriebssystem kann eine Weile brauchen, oder nicht darauf hören.",
      },
      restart: {
        word: "Neu starten",
        meaning: "Bittet ihr Betriebssystem, das nicht darauf hören muss.",
        taken:
          "Sie wurde gebeten, neu zu starten. Ihr Betriebssystem kann eine Weile brauchen, oder nicht darauf hören.",
      },
      cut: {
        word: "Strom abschalten",
        meaning: "Sofort, als zöge man den Stecker.",
        taken: "Ihr Strom ist abgeschaltet.",
      },
      reset: {
        word: "Zurücksetzen",
        meaning: "Sofort, als drückte man ihren Reset-Knopf.",
        taken: "Sie wurde zurückgesetzt und startet neu.",
      },
    },
    sure: {
      cut: (machine) => `${machine} den Strom abschalten?`,
      reset: (machine) => `${machine} zurücksetzen?`,
    },
    lost: {
      cut: "Sie hält sofort an, für alle, die mit ihr arbeiten. Was sie noch nicht auf ihre Platten geschrieben hat, geht verloren.",
      reset:
        "Sie startet sofort neu, für alle, die mit ihr arbeiten. Was sie noch nicht auf ihre Platten geschrieben hat, geht verloren.",
    },
  },
};
