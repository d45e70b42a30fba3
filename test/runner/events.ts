/** What a worker tells the runner about the files it was given. One message for each test that ended. */
export interface TestEnded {
  readonly type: "ended";
  readonly file: string;
  /** The names of the suites around the test, and its own. */
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly durationMs: number;
  /** Why it was skipped; for a failure the whole error, formatted. */
  readonly text: string;
}

interface TestStarted {
  readonly type: "started";
  readonly file: string;
  readonly name: string;
}

/** The last message: every test of every file has ended. */
interface AllEnded {
  readonly type: "done";
}

export type WorkerMessage = TestEnded | TestStarted | AllEnded;
