import { after } from "node:test";

/**
 * Loaded behind the test files, so that this hook runs after every other. node:test ends its report when the
 * event loop is empty, which may be never: a test may leave a server, a timer or a child open. It learns of
 * the empty loop by this event, and everything that it knows of has ended by now.
 */
after(() => {
  setImmediate(() => process.emit("beforeExit", 0));
});
