import type { Bytes } from "../runtime/mod.ts";

/** Machines of ELF files (`e_machine`) by OCI's names of architectures. */
const MACHINES: Readonly<Record<number, string>> = {
  3: "386",
  21: "ppc64le",
  22: "s390x",
  40: "arm",
  62: "amd64",
  183: "arm64",
  243: "riscv64",
  258: "loong64",
};

/** How many bytes of a file {@linkcode elfArchitecture} reads. */
export const ELF_HEADER = 20;

/** Returns the architecture of a program or library for Linux, from its first bytes; `undefined` if it is none. */
export function elfArchitecture(bytes: Bytes): string | undefined {
  if (bytes.length < ELF_HEADER) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== 0x7f454c46) return undefined; // \x7fELF
  const machine = view.getUint16(18, view.getUint8(5) === 1);
  return MACHINES[machine] ?? "unknown";
}
