// A file system in memory, simple enough to be right by reading: what an image is, and what unpacking an archive gives.

import type { TarEntryType } from "../../src/tar/mod.ts";

/** An entry of an archive with its content. */
export interface Item {
  path: string;
  type: TarEntryType;
  /** The target of a link. */
  linkname?: string;
  /** The content of a file. */
  content?: string;
  mode?: number;
  /** The numbers of a device. */
  device?: string;
}

/** Anything but a directory. Names that are hard links of one another share one. */
export interface FileNode {
  readonly kind: Exclude<TarEntryType, "directory" | "link">;
  readonly text: string;
  readonly mode: number;
}

/** A directory; without a mode where no entry names it. */
export class DirectoryNode {
  readonly kind = "directory";
  mode: number | undefined;
  readonly children = new Map<string, FileNode | DirectoryNode>();
}

/** A tree of directories. */
export class FileTree {
  readonly root: DirectoryNode = new DirectoryNode();

  /** What is at a path. */
  at(path: string): FileNode | DirectoryNode | undefined {
    let node: FileNode | DirectoryNode | undefined = this.root;
    for (const segment of segments(path)) node = node instanceof DirectoryNode ? node.children.get(segment) : undefined;
    return node;
  }

  /** What is at a path, unless it is a directory. */
  fileAt(path: string): FileNode | undefined {
    const node = this.at(path);
    return node instanceof DirectoryNode ? undefined : node;
  }

  /** Unpacks an entry as `tar` does, in the order of the archive: what can't be made is an error. */
  unpack(item: Item): void {
    const linked = item.type === "link" ? this.fileAt(item.linkname!) : undefined;
    if (item.type === "link" && linked === undefined) {
      throw new Error(`${item.path}: cannot hard link to ${item.linkname}: no such file`);
    }
    if (linked !== undefined && segments(item.path).join("/") === segments(item.linkname!).join("/")) {
      throw new Error(`${item.path}: is a hard link to itself`);
    }
    const before = this.at(item.path);
    if (before instanceof DirectoryNode && item.type !== "directory") {
      throw new Error(`${item.path}: a directory is in the way`);
    }
    for (const parent of parents(item.path)) {
      const found = this.at(parent);
      if (found !== undefined && !(found instanceof DirectoryNode)) throw new Error(`${parent}: not a directory`);
    }
    this.put(item, linked);
  }

  /** Puts an entry into its place; what was there goes, but a directory takes on another one's mode. */
  put(item: Item, linked: FileNode | undefined): void {
    if (item.type === "directory") {
      this.makeDirectory(item.path).mode = item.mode ?? 0o755;
      return;
    }
    const parent = this.makeDirectory(parents(item.path).at(-1) ?? "");
    parent.children.set(segments(item.path).at(-1)!, linked ?? fileOf(item));
  }

  /** The directory at a path; what is in the way goes. */
  makeDirectory(path: string): DirectoryNode {
    let directory = this.root;
    for (const segment of segments(path)) {
      let child = directory.children.get(segment);
      if (!(child instanceof DirectoryNode)) {
        child = new DirectoryNode();
        directory.children.set(segment, child);
      }
      directory = child;
    }
    return directory;
  }

  /** Takes a path away. */
  remove(path: string): void {
    const parent = this.at(parents(path).at(-1) ?? "");
    if (parent instanceof DirectoryNode) parent.children.delete(segments(path).at(-1)!);
  }

  /** Another tree with the same files. */
  copy(): FileTree {
    const tree = new FileTree();
    copyInto(this.root, tree.root);
    return tree;
  }

  /** The paths of all but directories. */
  files(): Map<string, FileNode> {
    const files = new Map<string, FileNode>();
    walk(this.root, "", (path, node) => node instanceof DirectoryNode || files.set(path, node));
    return files;
  }

  /**
   * Returns everything that has been named, one line each; `links` distinguishes hard links of one file from equal
   * files.
   */
  lines({ links }: { links: boolean }): string[] {
    const lines: string[] = [];
    const firsts = new Map<FileNode, string>();
    walk(this.root, "", (path, node) => {
      if (node instanceof DirectoryNode) {
        if (node.mode !== undefined) lines.push(`${path}/ ${node.mode.toString(8)}`);
        return;
      }
      const first = firsts.get(node) ?? path;
      firsts.set(node, first);
      lines.push(
        `${path} ${node.kind} ${node.mode.toString(8)} ${JSON.stringify(node.text)}${links ? ` = ${first}` : ""}`,
      );
    });
    return lines;
  }
}

/**
 * Puts a layer on a tree (image-spec, "Applying Changesets"): its whiteouts first, since they mean lower layers alone,
 * then its entries, each in the place of what was there. A hard link to a file of a lower layer names that file, even if
 * a whiteout of the same layer takes the file's own name away.
 */
export function applyLayer(tree: FileTree, items: readonly Item[]): void {
  const lower = tree.copy();
  for (const item of items) applyMark(tree, item.path);
  for (const item of items) {
    if (item.path.includes(".wh.")) continue;
    const linked = item.type === "link" ? tree.fileAt(item.linkname!) ?? lower.fileAt(item.linkname!) : undefined;
    tree.put(item, linked);
  }
}

function applyMark(tree: FileTree, path: string): void {
  const name = segments(path).at(-1) ?? "";
  if (!name.startsWith(".wh.")) return;
  const directory = parents(path).at(-1) ?? "";
  const node = tree.makeDirectory(directory);
  if (name === ".wh..wh..opq") node.children.clear();
  else tree.remove([...segments(directory), name.slice(4)].join("/"));
}

/** The parts of a path; `./` in front counts for nothing. */
export function segments(path: string): string[] {
  return path.split("/").filter((segment) => segment !== "" && segment !== ".");
}

/** The directories above a path, the topmost first. */
export function parents(path: string): string[] {
  const parts = segments(path);
  return parts.slice(0, -1).map((_, i) => parts.slice(0, i + 1).join("/"));
}

function fileOf(item: Item): FileNode {
  return {
    kind: item.type as FileNode["kind"],
    text: item.content ?? item.device ?? item.linkname ?? "",
    mode: item.mode ?? 0o644,
  };
}

function copyInto(from: DirectoryNode, to: DirectoryNode): void {
  to.mode = from.mode;
  for (const [name, child] of from.children) {
    if (child instanceof DirectoryNode) {
      const copied = new DirectoryNode();
      to.children.set(name, copied);
      copyInto(child, copied);
    } else {
      to.children.set(name, child);
    }
  }
}

function walk(
  directory: DirectoryNode,
  path: string,
  visit: (path: string, node: FileNode | DirectoryNode) => unknown,
) {
  for (const [name, node] of [...directory.children].sort(([a], [b]) => a < b ? -1 : 1)) {
    const at = path === "" ? name : `${path}/${name}`;
    visit(at, node);
    if (node instanceof DirectoryNode) walk(node, at, visit);
  }
}
