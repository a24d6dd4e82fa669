import type { CopyJournal } from "../src/graph/internal.ts";
import type { Client, Puller } from "../src/remote/mod.ts";
import type { CopyEvent, CopyRecursivelyOptions } from "./copy_options.ts";
import type { CopyRoute } from "./copy_route.ts";

/** The part of a recursive copy that its terms may use. */
export interface CopyContext {
  /** The options of the copy. */
  readonly options: CopyRecursivelyOptions;
  /** The mapping of its repositories. */
  readonly route: CopyRoute;
  /** The completed work. */
  readonly journal: CopyJournal;
  /** The connections to the target. */
  readonly client: Client;
  /** Reads from the source. */
  readonly reader: Puller;
  /** Aborted by the caller, or if the copy can't continue. */
  readonly signal: AbortSignal;
  /** Returns whether a repository of the source, given by its path, should be copied. */
  wantsRepository(path: string): boolean;
  /** Reports an event. */
  tell(event: CopyEvent): void;
  /** Records a failure. @throws the reason of the signal if it is aborted */
  fail(name: string, error: unknown): void;
}
