/** The registry of a name without one. */
export const DEFAULT_REGISTRY = "index.docker.io";

/** The tag of a reference without a tag and a digest. */
export const DEFAULT_TAG = "latest";

/** Options of the functions that parse a name. */
export interface NameOptions {
  /**
   * `weak` adds a missing registry, `library/` and tag; `strict` requires all of them.
   *
   * @default "weak"
   */
  validation?: "weak" | "strict";
  /**
   * Whether plain http is allowed for the registry, regardless of its host.
   *
   * @default false
   */
  insecure?: boolean;
  /**
   * The registry of a name without one.
   *
   * @default "index.docker.io"
   */
  defaultRegistry?: string;
  /**
   * The tag of a reference without a tag and a digest.
   *
   * @default "latest"
   */
  defaultTag?: string;
}

/** Returns whether missing parts are an error. @throws {TypeError} if `validation` has neither of its two values. */
export function isStrict({ validation = "weak" }: NameOptions): boolean {
  if (validation !== "weak" && validation !== "strict") {
    throw new TypeError(`validation must be "weak" or "strict", not ${JSON.stringify(validation)}`);
  }
  return validation === "strict";
}
