/** Entries of an initial RAM disk, in cpio's "newc" format (Linux: Documentation/driver-api/early-userspace). */
export function directory(name) {
  return { name, mode: 0o040755, bytes: Buffer.alloc(0) };
}

export function file(name, bytes) {
  return { name, mode: 0o100755, bytes };
}

export function cpioArchive(entries) {
  const end = { name: "TRAILER!!!", mode: 0, bytes: Buffer.alloc(0) };
  return Buffer.concat([...entries, end].flatMap((entry, index) => member(entry, index + 1)));
}

/** Six-digit magic, then thirteen numbers of eight hexadecimal digits; name and bytes each padded to four. */
function member({ name, mode, bytes }, inode) {
  const numbers = [inode, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length + 1, 0];
  const digits = numbers.map((number) => number.toString(16).padStart(8, "0")).join("");
  return [padded(Buffer.from(`070701${digits}${name}\0`, "latin1")), padded(bytes)];
}

function padded(bytes) {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
