/**
 * Listens to `error` events whose news comes another way, or is of interest to nobody any more: without a listener
 * they would end the process. One function for all, since a closure would keep alive what stands around it.
 */
export function ignoreError(): void {}
