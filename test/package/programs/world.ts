/** What a program works with. */
export interface World {
  /** `host:port` of a registry that lets scripts of all origins in. */
  readonly registry: string;
  /** `host:port` of one that demands tokens, for `ann` with the password `secret`. */
  readonly closed: string;
  /** A repository name that no other program uses, with the host of `registry`. */
  readonly repository: string;
  /** A path that no other program uses, in a folder that exists; for programs that need files. */
  readonly path: string;
}

/** A program; it throws if something is wrong. */
export type Program = (world: World) => Promise<void>;

/** The module of a program. */
export interface ProgramModule {
  /** The program. */
  readonly default: Program;
  /** What it needs beyond the web platform. */
  readonly needs?: "files";
}
