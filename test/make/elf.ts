/** Returns the beginning of a program for Linux. */
export function elfHeader(architecture: "amd64" | "arm64"): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes[18] = { amd64: 62, arm64: 183 }[architecture];
  return bytes;
}
