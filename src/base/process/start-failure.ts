/** Why nothing was started, or why what was started is over, in words for the person at the terminal. */
export class StartFailure extends Error {
  override readonly name = "StartFailure";
}
