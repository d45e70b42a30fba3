/**
 * The status of a process that wants to be started again: EX_TEMPFAIL of sysexits.h. Supervisors that restart what fails
 * do so; ours know it, and take it for what it is.
 */
export const RESTART_STATUS = 75;

/**
 * Puts a new start of this program, with the same arguments, in the place of this process, which has closed what it had
 * open. Whatever runs it sees the same process go on, so none is needed that would start it again. Returns the status to
 * leave with where that cannot be: on systems that know no such thing, and under a parent of ours, to which the new
 * process could not be connected.
 */
export function restartInPlace(): number {
  if (process.channel === undefined)
    process.execve?.(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)]);
  return RESTART_STATUS;
}
