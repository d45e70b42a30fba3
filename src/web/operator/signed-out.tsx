import { useEffect } from "preact/hooks";
import { Mark } from "../ui/icons.tsx";
import type { ApiError } from "./api.ts";
import { Command } from "./command.tsx";
import { Problem } from "./problem.tsx";
import type { Visitor } from "./visitor.ts";
import { words } from "./words.ts";

interface SignedOutProps {
  readonly visitor: Visitor;
  /** Somebody was signed in on this page before. */
  readonly wasIn: boolean;
  readonly error: ApiError | undefined;
}

/** Nobody is signed in: what is wrong, where something is, and how to come in. */
export function SignedOut({ visitor, wasIn, error }: SignedOutProps) {
  const { product, signedOut, notSignedIn, signInHow, signInAsk } = words.value;
  useEffect(() => {
    document.title = product;
  }, [product]);

  return (
    <main class="signed-out">
      <Mark size={40} />
      <h1>{wasIn ? signedOut : notSignedIn}</h1>
      {error !== undefined && (
        <Problem
          error={error}
          {...(error.code === "no_answer" ? { onTryAgain: () => void visitor.arrive() } : {})}
        />
      )}
      <p>{signInHow}</p>
      <Command line="npm run -s porthole -- account sign-in-link" />
      <p class="soft">{signInAsk}</p>
    </main>
  );
}
