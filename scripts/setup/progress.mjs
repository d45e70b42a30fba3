/** One line to a person, on standard error. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

const tickMs = 1000;

/**
 * Says what is being done while it is done. In a terminal the line counts the seconds and ends with the result;
 * elsewhere there is one line at the start, so that a log shows where a hanging set-up hangs.
 */
export async function during(title, work) {
  const startedAt = Date.now();
  if (!process.stderr.isTTY) {
    say(`${title} …`);
    return await work();
  }
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const show = (state) => process.stderr.write(`\r\x1b[2K${title} … ${state}`);
  const ticking = setInterval(() => show(`${seconds()} s`), tickMs);
  show("");
  try {
    const result = await work();
    show(`done in ${seconds()} s\n`);
    return result;
  } catch (error) {
    show("failed\n");
    throw error;
  } finally {
    clearInterval(ticking);
  }
}
