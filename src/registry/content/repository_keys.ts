import { type Hash, hashAlgorithm, hashHexDigits } from "../../spec/mod.ts";
import { digestKey } from "../stores/store_key.ts";

/** Sorts after every character of a name. */
export const LAST = "~";

/** Returns the path of a repository's records; that of all repositories for the empty name. */
export function repositoryPath(name: string): string {
  return name === "" ? "repositories/" : `repositories/${name}/`;
}

/** Returns the key of a manifest. */
export function manifestKey(name: string, digest: Hash): string {
  return `${repositoryPath(name)}_manifests/${digestKey(digest)}`;
}

/** Returns the path of the records of what a repository's manifests mention. */
export function mentionsPath(name: string): string {
  return `${repositoryPath(name)}_mentions/`;
}

/** Returns the key of a tag. */
export function tagKey(name: string, tag: string): string {
  return `${repositoryPath(name)}_tags/${tag}`;
}

/** Returns the key of the link to a blob. */
export function blobKey(name: string, digest: Hash): string {
  return `${repositoryPath(name)}_blobs/${digestKey(digest)}`;
}

/** Returns the key of a referrer's entry. */
export function referrerKey(name: string, subject: Hash, digest: Hash): string {
  return `${repositoryPath(name)}_referrers/${digestKey(subject)}/${digestKey(digest)}`;
}

/** Returns the key of the entry for a tag that points at a manifest. */
export function taggedKey(name: string, digest: Hash, tag: string): string {
  return `${repositoryPath(name)}_tagged/${taggedEntry(digest, tag)}`;
}

/** Returns the name of the entry for a tag that points at a manifest. */
export function taggedEntry(digest: Hash, tag: string): string {
  return `${taggedPrefix(digest)}.${tag}`;
}

/** Returns the start of the entries for a manifest's tags. A whole SHA-512 with a tag would be too long for a name. */
export function taggedPrefix(digest: Hash): string {
  return `${hashAlgorithm(digest)}-${hashHexDigits(digest).slice(0, 64)}`;
}

/** Returns the key of a repository's entry in the catalog. */
export function catalogKey(name: string): string {
  return `${repositoryPath("")}_catalog/${catalogEntry(name)}`;
}

/** The characters of the names of repositories, and those of their entries in the catalog, both in their order. */
const NAME_CHARACTERS = "-./0123456789_abcdefghijklmnopqrstuvwxyz";
const ENTRY_CHARACTERS = "-.0ABCDEFGHIJ_abcdefghijklmnopqrstuvwxyz";

/** Writes a repository's name without slashes, so that the entries of a catalog have the order of the names. */
export function catalogEntry(name: string): string {
  return Array.from(name, (character) => ENTRY_CHARACTERS[NAME_CHARACTERS.indexOf(character)]).join("");
}

/** Reads the name of a repository from its entry in the catalog. */
export function catalogName(entry: string): string {
  return Array.from(entry, (character) => NAME_CHARACTERS[ENTRY_CHARACTERS.indexOf(character)]).join("");
}

/** Returns the place in the catalog after which the names follow that sort after a text of any characters. */
export function catalogPosition(after: string): string {
  let position = "";
  for (const character of after) {
    if (NAME_CHARACTERS.includes(character)) {
      position += catalogEntry(character);
      continue;
    }
    const before = Array.from(NAME_CHARACTERS).findLast((each) => each < character);
    return before === undefined ? position : position + catalogEntry(before) + LAST;
  }
  return position;
}
