import { type Hash, isHash } from "./hash.ts";

const DIGESTS = /(?:sha512:[0-9a-f]{128}|sha256:[0-9a-f]{64})(?![0-9a-f])/g;

/**
 * The digests that a manifest mentions anywhere: in its descriptors, annotations, and whatever else its JSON holds. Of
 * bytes that are no JSON those in the text are given.
 */
export function mentionedDigests(manifest: Uint8Array): ReadonlySet<Hash> {
  const text = new TextDecoder().decode(manifest);
  return new Set(
    [...text.matchAll(DIGESTS), ...unescaped(text).matchAll(DIGESTS)].map(([digest]) => digest).filter(isHash),
  );
}

/** JSON without escapes in its strings, which may hide a digest; other text as it is. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:u([0-9a-fA-F]{4})|(.))/g,
    (_, code, plain) => code ? String.fromCharCode(parseInt(code, 16)) : ` ${plain}`,
  );
}
