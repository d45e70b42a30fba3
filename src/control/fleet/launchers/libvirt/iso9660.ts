/** ECMA-119 (ISO 9660): everything lies in blocks of so many bytes. */
const BLOCK = 2048;

/** §6.2.1: the System Area comes first, 16 blocks that the standard leaves to others. */
const FIRST_DESCRIPTOR = 16;

const PATH_TABLE_L = 18;
const PATH_TABLE_M = 19;
const ROOT = 20;
const FIRST_FILE = 21;

/** §9.1.6: of a directory among the file flags. */
const IS_DIRECTORY = 2;

/**
 * A read-only file system, as small as one can be: a volume's label and files in its root. Names are in small letters, a
 * to z, digits and underscores, with one full stop at most; a file without an extension has none on Linux either. There
 * are no times in it: the same files give the same bytes.
 */
export function iso9660(label: string, files: Readonly<Record<string, string>>): Buffer {
  if (!/^\w{1,32}$/.test(label))
    throw new Error("a volume's label is 1 to 32 letters, digits and underscores");
  let block = FIRST_FILE;
  const entries = Object.entries(files)
    .map(([name, text]) => ({ name: isoName(name), bytes: Buffer.from(text) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((file) => {
      const placed = { ...file, block };
      block += blocks(file.bytes.length);
      return placed;
    });
  const root = directory(entries);
  const image = Buffer.alloc(block * BLOCK);
  volumeDescriptor(label, block).copy(image, FIRST_DESCRIPTOR * BLOCK);
  terminator().copy(image, (FIRST_DESCRIPTOR + 1) * BLOCK);
  pathTable("L").copy(image, PATH_TABLE_L * BLOCK);
  pathTable("M").copy(image, PATH_TABLE_M * BLOCK);
  root.copy(image, ROOT * BLOCK);
  for (const { bytes, block: at } of entries) bytes.copy(image, at * BLOCK);
  return image;
}

/** §7.5.1: capital letters, and a version number, which Linux does not show. */
function isoName(name: string): string {
  if (!/^[a-z0-9_]{1,20}(\.[a-z0-9_]{1,8})?$/.test(name))
    throw new Error(`${name} is no name for a file here`);
  return `${name.toUpperCase()}${name.includes(".") ? "" : "."};1`;
}

function blocks(bytes: number): number {
  return Math.ceil(bytes / BLOCK);
}

interface Extent {
  readonly block: number;
  readonly bytes: number;
  readonly flags: number;
}

/** §6.8.2.2: the directory itself and its parent, which for the root is itself, are the names 0 and 1. */
function directory(
  files: readonly { readonly name: string; readonly bytes: Buffer; readonly block: number }[],
): Buffer {
  const self = { block: ROOT, bytes: BLOCK, flags: IS_DIRECTORY };
  const records = [
    directoryRecord("\0", self),
    directoryRecord("\x01", self),
    ...files.map(({ name, bytes, block }) => directoryRecord(name, { block, bytes: bytes.length, flags: 0 })),
  ];
  const whole = Buffer.concat(records);
  if (whole.length > BLOCK) throw new Error("too many files for a directory of one block");
  return whole;
}

/** §9.1 Directory record. */
function directoryRecord(name: string, { block, bytes, flags }: Extent): Buffer {
  const length = 33 + name.length + ((33 + name.length) & 1);
  const record = Buffer.alloc(length);
  record[0] = length;
  both32(record, 2, block);
  both32(record, 10, bytes);
  record[25] = flags;
  both16(record, 28, 1); // Volume Sequence Number
  record[32] = name.length;
  record.write(name, 33, "latin1");
  return record;
}

/** §8.4 Primary Volume Descriptor; numbers stand in both byte orders. */
function volumeDescriptor(label: string, size: number): Buffer {
  const descriptor = Buffer.alloc(BLOCK);
  descriptor[0] = 1;
  descriptor.write("CD001\x01", 1, "latin1");
  descriptor.fill(" ", 8, 72); // System Identifier, Volume Identifier
  descriptor.write(label, 40, "latin1");
  both32(descriptor, 80, size);
  both16(descriptor, 120, 1); // Volume Set Size
  both16(descriptor, 124, 1); // Volume Sequence Number
  both16(descriptor, 128, BLOCK);
  both32(descriptor, 132, pathTable("L").length);
  descriptor.writeUInt32LE(PATH_TABLE_L, 140);
  descriptor.writeUInt32BE(PATH_TABLE_M, 148);
  directoryRecord("\0", { block: ROOT, bytes: BLOCK, flags: IS_DIRECTORY }).copy(descriptor, 156);
  descriptor.fill(" ", 190, 813); // who published and prepared it, and with what
  for (const at of [813, 830, 847, 864]) descriptor.write("0".repeat(16), at, "latin1"); // no time
  descriptor[881] = 1; // File Structure Version
  return descriptor;
}

/** §8.3 Volume Descriptor Set Terminator. */
function terminator(): Buffer {
  const descriptor = Buffer.alloc(BLOCK);
  descriptor[0] = 255;
  descriptor.write("CD001\x01", 1, "latin1");
  return descriptor;
}

/** §9.4: one record, the root's, in one byte order. */
function pathTable(order: "L" | "M"): Buffer {
  const table = Buffer.alloc(10);
  table[0] = 1;
  if (order === "L") {
    table.writeUInt32LE(ROOT, 2);
    table.writeUInt16LE(1, 6);
  } else {
    table.writeUInt32BE(ROOT, 2);
    table.writeUInt16BE(1, 6);
  }
  return table;
}

function both16(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt16LE(value, at);
  bytes.writeUInt16BE(value, at + 2);
}

function both32(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32LE(value, at);
  bytes.writeUInt32BE(value, at + 4);
}
