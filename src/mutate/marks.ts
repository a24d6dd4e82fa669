/** The name prefix of a file that removes another (image-spec, "Whiteouts"). */
const WHITEOUT = ".wh.";
/** The name of a file that removes all below its directory (image-spec, "Opaque Whiteout"). */
const OPAQUE = ".wh..wh..opq";
/** The name prefix of the aufs storage driver's own files, which old images have in their layers. */
const BOOKKEEPING = ".wh..wh.";

/** The meaning of a name in a layer. */
export type Mark =
  /** The entry itself. */
  | { readonly kind: "entry" }
  /** A path of lower layers is removed. */
  | { readonly kind: "whiteout"; readonly path: string }
  /** All of lower layers below a directory is removed. */
  | { readonly kind: "opaque"; readonly path: string }
  /** Bookkeeping of a storage driver: no part of the image, but links may name it. */
  | { readonly kind: "bookkeeping" };

const ENTRY: Mark = { kind: "entry" };

/** Reads a clean path as an entry or as a mark about lower layers. */
export function markOf(path: string): Mark {
  if (!path.includes(WHITEOUT)) return ENTRY;
  const slash = path.lastIndexOf("/");
  const directory = path.slice(0, Math.max(slash, 0));
  const name = path.slice(slash + 1);
  if (name === OPAQUE) return { kind: "opaque", path: directory };
  if (path.startsWith(BOOKKEEPING) || path.includes(`/${BOOKKEEPING}`)) return { kind: "bookkeeping" };
  // A whiteout without a name would remove its own directory.
  if (name === WHITEOUT) return { kind: "bookkeeping" };
  if (!name.startsWith(WHITEOUT)) return ENTRY;
  const gone = name.slice(WHITEOUT.length);
  return { kind: "whiteout", path: directory === "" ? gone : `${directory}/${gone}` };
}
