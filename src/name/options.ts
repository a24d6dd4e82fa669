/** The registry of a name that starts with none. */
export const DEFAULT_REGISTRY = "index.docker.io";

/** The tag of a reference that ends with none. */
export const DEFAULT_TAG = "latest";

/** Options of everything that parses a name. */
export interface NameOptions {
  /**
   * `weak` fills in the registry, `library/` and the tag; `strict` demands that they are written.
   * @default "weak"
   */
  validation?: "weak" | "strict";
  /**
   * Whether plain http may be used with the registry, whatever its name says.
   * @default false
   */
  insecure?: boolean;
  /**
   * The registry of a name that starts with none.
   * @default "index.docker.io"
   */
  defaultRegistry?: string;
  /**
   * The tag of a reference that ends with none.
   * @default "latest"
   */
  defaultTag?: string;
}

/** Returns whether nothing is filled in. @throws {TypeError} when `validation` is neither of its two values. */
export function isStrict({ validation = "weak" }: NameOptions): boolean {
  if (validation !== "weak" && validation !== "strict") {
    throw new TypeError(`validation must be "weak" or "strict", not ${JSON.stringify(validation)}`);
  }
  return validation === "strict";
}
