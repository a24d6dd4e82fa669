/** A file, a folder or a symbolic link of a project. */
export interface ProjectFile {
  /** Relative to the project, with `/`, without `./` in front. */
  path: string;
  /** What it is. */
  type: "file" | "directory" | "link";
  /** In bytes; 0 for what is no file. */
  size: number;
  /** Whether its owner may run it. */
  executable: boolean;
  /** Where a link leads, as written in it. */
  target?: string;
  /**
   * A word that changes when the content of a file does, cheaper than its bytes: size and times of changes, for example.
   * Without it a layer with the file is made anew by each build.
   */
  version?: string;
}

/**
 * The files of a project, from a directory, from memory, or from anything else that has names and bytes. Its methods
 * take paths relative to the project, with `/`.
 */
export interface ProjectFiles {
  /** Reads a whole file, or returns `undefined` if there is none. */
  read(path: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Streams a file. */
  stream(path: string): ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Lists what a folder (`""` for the project itself) holds, without what its folders hold, sorted by path. */
  list(folder: string): Promise<readonly ProjectFile[]>;
}
