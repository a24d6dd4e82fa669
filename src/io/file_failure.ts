import { FileError, GcraneError, UnsupportedError } from "../errors.ts";
import { isMissing, temporaryRoot } from "../runtime/mod.ts";

/** Error codes of the operating system that mean a failure of the file system, not of the copied content. */
const FILE_CODES =
  /^E(ACCES|DQUOT|EXIST|FBIG|IO|ISDIR|LOOP|MFILE|NAMETOOLONG|NFILE|NOENT|NOSPC|NOTDIR|NOTEMPTY|PERM|ROFS)$/;

const HINTS: Readonly<Record<string, string>> = {
  EACCES: "check the permissions",
  EDQUOT: "free some of your quota, or choose another place",
  ENOSPC: "free some space, or choose another place",
  EROFS: "choose a place that can be written to",
};

/**
 * Converts an error into the one to throw: a {@linkcode FileError} if the file system failed or Deno denies the
 * permission, an {@linkcode UnsupportedError} if the runtime has no file system, else `error` itself.
 */
export function fileFailure(doing: string, error: unknown): unknown {
  if (error instanceof Error && error.name === "NotSupportedError") {
    return new UnsupportedError(`${doing}: ${systemWords(error)}`, { cause: error });
  }
  if (error instanceof Error && error.name === "NotCapable") {
    const hint = /run again with the --allow-\w+ flag/.exec(error.message)?.[0];
    return new FileError(`${doing}: Deno does not allow it`, { cause: error, hint });
  }
  const code = errorCode(error);
  if (error instanceof GcraneError || code === undefined || !FILE_CODES.test(code)) return error;
  return new FileError(`${doing}: ${systemWords(error as Error)}`, { cause: error, errno: code, hint: HINTS[code] });
}

/** Returns the error to throw if `what` can't be kept in a temporary file. */
export function temporaryFailure(what: string, cause: unknown): unknown {
  const failure = fileFailure(`can't keep ${what} in ${temporaryRoot()}`, cause);
  if (!(failure instanceof FileError)) return failure;
  const { message, errno } = failure;
  return new FileError(message, { cause, errno, hint: "set TMPDIR to a directory with enough space" });
}

/** Returns the operating system's name of an error, if it has one. */
export function errorCode(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

/** Returns `undefined` for the error of a missing path, for use in `catch`. @throws any other error */
export function missingIsUndefined(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

/**
 * Extracts the operating system's message, for example `no such file or directory`. Runtimes add codes, the failed call
 * and its path, which may be the path of a temporary file.
 */
function systemWords({ message }: Error): string {
  const words = message
    .replace(/^E[A-Z0-9]+: /, "")
    .replace(/, \w+(?: '.*)?$/s, "")
    .replace(/ \(os error \d+\).*$/s, "");
  return words.charAt(0).toLowerCase() + words.slice(1);
}
