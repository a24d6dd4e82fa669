import { streamOf } from "../io/mod.ts";
import { type Bytes, type ByteStream, pullStream, streamingHash } from "../runtime/mod.ts";
import type { ProjectFile, ProjectFiles } from "./project_files.ts";

/** Reads the content of files. */
export interface FileContents {
  /** Reads a whole file, or returns `undefined` if there is none. */
  read(file: ProjectFile): Promise<Bytes | undefined>;
  /** Streams a file. */
  stream(file: ProjectFile): ByteStream;
}

/**
 * Files and links. A build may have 100,000 of them, so they are listed at each need instead of being kept: for the
 * facts, and when their layer is written.
 */
export interface FileSet {
  /** Lists the files and links, sorted by path. */
  list(): Iterable<ProjectFile> | AsyncIterable<ProjectFile>;
  /** Reads them. */
  readonly contents: FileContents;
}

/** What a build keeps of a set of files. */
export interface FileFacts {
  /** The bytes of the files. */
  readonly size: number;
  /** A digest of paths, modes and versions: of the same files in two builds if they have versions, else in one. */
  readonly digest: string;
  /** Whether all files have versions. */
  readonly hasVersions: boolean;
}

/** How many characters are hashed together: a call for each file would leave garbage. */
const HASHED_TOGETHER = 16 * 1024;

/** Reads the facts of files, and calls `visit` with each. */
export async function factsOf({ list }: FileSet, visit?: (file: ProjectFile) => void): Promise<FileFacts> {
  const hash = await streamingHash("sha256");
  let text = "";
  const addText = () => {
    hash.update(new TextEncoder().encode(text));
    text = "";
  };
  let size = 0;
  let hasVersions = true;
  for await (const file of list()) {
    visit?.(file);
    text += JSON.stringify(file);
    if (text.length >= HASHED_TOGETHER) addText();
    size += file.size;
    hasVersions &&= file.type === "link" || file.version !== undefined;
  }
  addText();
  return { size, digest: await hash.hex(), hasVersions };
}

/** Returns the content of files of a project, whose paths are relative to a folder of it. */
export function contentsIn(files: ProjectFiles, folder: string = ""): FileContents {
  const start = folder === "" ? "" : `${folder}/`;
  return { read: ({ path }) => files.read(start + path), stream: ({ path }) => files.stream(start + path) };
}

/** Returns the content of files that are read whole. */
export function wholeContents(read: (file: ProjectFile) => Promise<Bytes>): FileContents {
  return { read, stream: (file) => streamLater(() => read(file)) };
}

/** Streams what is read whole. */
function streamLater(read: () => Promise<Bytes>): ByteStream {
  let reader: ReadableStreamDefaultReader<Bytes> | undefined;
  return pullStream({
    start: async () => void (reader = streamOf(await read()).getReader()),
    read: async () => (await reader!.read()).value,
  });
}
