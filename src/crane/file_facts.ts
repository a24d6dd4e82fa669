import { encodeBase64 } from "@std/encoding/base64";
import { streamingHash } from "../runtime/mod.ts";
import type { Hash } from "../spec/mod.ts";
import type { TarEntry, TarEntryType } from "../tar/mod.ts";

/** The properties of a path in an image, without the time. */
export interface FileFacts {
  /** Its type. A hard link has that of its target, and `link` only if no layer contains the target. */
  readonly type: TarEntryType;
  /** Permissions, set-id and sticky bits. */
  readonly mode: number;
  /** The user's id. */
  readonly uid: number;
  /** The group's id. */
  readonly gid: number;
  /** The number of bytes of a file's content. */
  readonly size?: number;
  /** The digest of a file's content; of a sparse file with more than 1 GiB of holes, the digest of its data alone. */
  readonly digest?: Hash;
  /** The target of a link. */
  readonly link?: string;
  /** Major and minor number of a device: `1:3`. */
  readonly device?: string;
  /** Extended attributes, their values in base64. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** A property that can differ between two paths; the owner is user and group. */
export type FileField = "type" | "mode" | "owner" | "size" | "digest" | "link" | "device" | "xattrs";

/** The most bytes of holes that are hashed as zeros, since a layer of a few bytes can contain any number of them. */
const MAX_HOLES = 2 ** 30;

/** The prefix of extended attributes in PAX records, as GNU tar and star write it. */
const XATTR = "SCHILY.xattr.";

/** Reads the properties of an entry and its content. */
export async function readFacts(entry: TarEntry): Promise<FileFacts> {
  const { type, mode, uid, gid, linkname } = entry;
  const xattrs = xattrsOf(entry);
  const facts = { type, mode: mode & 0o7777, uid, gid, ...(xattrs ? { xattrs } : {}) };
  switch (type) {
    case "file":
    case "unknown":
      return { ...facts, size: entry.size, digest: await digestOf(entry) };
    case "symlink":
    case "link":
      return { ...facts, link: linkname };
    case "characterDevice":
    case "blockDevice":
      return { ...facts, device: `${entry.devMajor}:${entry.devMinor}` };
    default:
      return facts;
  }
}

/** Returns the properties in which two paths differ. */
export function differingFields(a: FileFacts, b: FileFacts): FileField[] {
  const differs: Record<FileField, boolean> = {
    type: a.type !== b.type,
    mode: a.mode !== b.mode,
    owner: a.uid !== b.uid || a.gid !== b.gid,
    size: a.size !== b.size,
    digest: a.digest !== b.digest,
    link: a.link !== b.link,
    device: a.device !== b.device,
    xattrs: xattrsKey(a) !== xattrsKey(b),
  };
  return (Object.keys(differs) as FileField[]).filter((field) => differs[field]);
}

async function digestOf(entry: TarEntry): Promise<Hash> {
  const hash = await streamingHash("sha256");
  const content = entry.size - entry.storedSize > MAX_HOLES ? entry.stored : entry;
  for (;;) {
    const read = content.read();
    const piece = read instanceof Promise ? await read : read;
    if (piece === undefined) return `sha256:${await hash.hex()}`;
    hash.update(piece);
  }
}

function xattrsOf({ pax, globals }: TarEntry): Record<string, string> | undefined {
  let found: [string, string][] | undefined;
  for (const records of [globals, pax]) {
    for (const [key, value] of records) {
      if (key.startsWith(XATTR)) (found ??= []).push([key.slice(XATTR.length), encodeBase64(value)]);
    }
  }
  return found && Object.fromEntries(found);
}

function xattrsKey({ xattrs = {} }: FileFacts): string {
  return JSON.stringify(Object.entries(xattrs).sort(([a], [b]) => a < b ? -1 : 1));
}
