// Reads what kind of machine an executable is for.

const ELF_MACHINES: Record<number, string> = { 0x3e: "x64", 0xb7: "arm64" };
const MACH_O_MACHINES: Record<number, string> = { 0x01000007: "x64", 0x0100000c: "arm64" };
const PE_MACHINES: Record<number, string> = { 0x8664: "x64", 0xaa64: "arm64" };

/** Returns the format of an executable: `ELF x64` with its loader, `Mach-O arm64`, `PE x64`. */
export function formatOf(bytes: Uint8Array): string {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = data.getUint32(0);
  if (magic === 0x7f454c46) return `ELF ${ELF_MACHINES[data.getUint16(18, true)]} ${loaderOf(bytes, data)}`;
  if (magic === 0xcffaedfe) return `Mach-O ${MACH_O_MACHINES[data.getUint32(4, true)]}`;
  if (magic >>> 16 === 0x4d5a) {
    const header = data.getUint32(0x3c, true);
    if (data.getUint32(header) === 0x50450000) return `PE ${PE_MACHINES[data.getUint16(header + 4, true)]}`;
  }
  throw new Error(`not an executable: it begins with ${magic.toString(16).padStart(8, "0")}`);
}

/** Returns the program that loads an ELF executable, which differs between glibc and musl. */
function loaderOf(bytes: Uint8Array, data: DataView): string {
  const start = Number(data.getBigUint64(32, true));
  const [size, count] = [54, 56].map((field) => data.getUint16(field, true));
  for (let at = start; at < start + size * count; at += size) {
    if (data.getUint32(at, true) !== 3) continue; // PT_INTERP
    const [from, length] = [8, 32].map((field) => Number(data.getBigUint64(at + field, true)));
    return new TextDecoder().decode(bytes.subarray(from, from + length)).replace(/\0.*$/, "");
  }
  return "static";
}
