import { FileError, GcraneError, UnsupportedError } from "../errors.ts";
import { isMissing } from "../runtime/mod.ts";

/** Codes of the operating system by which a failure is the file system's, and not of what was being copied. */
const FILE_CODES =
  /^E(ACCES|DQUOT|EXIST|FBIG|IO|ISDIR|LOOP|MFILE|NAMETOOLONG|NFILE|NOENT|NOSPC|NOTDIR|NOTEMPTY|PERM|ROFS)$/;

const HINTS: Readonly<Record<string, string>> = {
  EACCES: "check the permissions",
  EDQUOT: "free some of your quota, or choose another place",
  ENOSPC: "free some space, or choose another place",
  EROFS: "choose a place that can be written to",
};

/**
 * The error to throw for `error`: a {@linkcode FileError} when the file system failed or Deno gives no permission, an
 * {@linkcode UnsupportedError} when the runtime has no file system, else `error` itself.
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

/** The operating system's name for an error, where it has one. */
export function errorCode(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

/** Gives `undefined` for an error that says that there is nothing at a path: for `catch`. @throws any other */
export function missingIsUndefined(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

/**
 * What the operating system says, `no such file or directory` for example, without what runtimes put around it: codes,
 * the call that failed and its path, which may be that of a temporary file.
 */
function systemWords({ message }: Error): string {
  const words = message
    .replace(/^E[A-Z0-9]+: /, "")
    .replace(/, \w+(?: '.*)?$/s, "")
    .replace(/ \(os error \d+\).*$/s, "");
  return words.charAt(0).toLowerCase() + words.slice(1);
}
