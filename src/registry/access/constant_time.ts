import type { Bytes } from "../../runtime/mod.ts";

/** Whether two texts are the same, in a time that says nothing of where they differ. */
export async function sameText(left: string, right: string): Promise<boolean> {
  const [one, other] = await Promise.all([left, right].map(sha256));
  return sameBytes(one, other);
}

/** Whether two arrays of one length hold the same, in a time that says nothing of where they differ. */
export function sameBytes(one: Bytes, other: Bytes): boolean {
  let difference = one.length ^ other.length;
  for (let i = 0; i < one.length; i++) difference |= one[i] ^ other[i];
  return difference === 0;
}

async function sha256(text: string): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
