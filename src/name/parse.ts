import { NameError } from "../errors.ts";
import { DEFAULT_REGISTRY, DEFAULT_TAG, isStrict, type NameOptions } from "./options.ts";
import {
  type DigestReference,
  digestReference,
  isImplicit,
  type Reference,
  Registry,
  Repository,
  type TagReference,
  tagReference,
} from "./reference.ts";
import { checkDigest, checkRegistry, checkRepository, checkTag } from "./rules.ts";
import { Span } from "./span.ts";
import { wrongArgument } from "../spec/internal.ts";

/** The common name of Docker Hub, whose registry has another host. */
const HUB_ALIAS = "docker.io";

/**
 * Parses the name of a manifest: `[registry/]repository[:tag][@digest]`.
 *
 * The first part is a registry only if it is `localhost` or has a dot or a colon. A name with a tag and a digest is a
 * reference by digest; only `toString()` keeps its tag. This parser and the others return a parsed name as it is.
 *
 * @throws {NameError} if `text` is not a valid reference; the message gives the position of the fault.
 * @throws {TypeError} if `text` is neither a string nor a reference.
 */
export function parseReference(text: Reference | string, options: NameOptions = {}): Reference {
  if (typeof text !== "string") return parsedAlready(text, ["tag", "digest"]);
  return Span.of(text).value.includes("@") ? parseDigest(text, options) : parseTag(text, options);
}

/**
 * Parses a reference by tag: `[registry/]repository[:tag]`.
 *
 * @throws {NameError} if `text` is not a valid reference by tag.
 */
export function parseTag(text: TagReference | string, options: NameOptions = {}): TagReference {
  if (typeof text !== "string") return parsedAlready(text, ["tag"]);
  const { base, tag } = splitTag(Span.of(text));
  const repository = repositoryIn(base, options);
  if (tag) {
    checkTag(tag);
    return tagReference(repository, tag.value, text);
  }
  if (isStrict(options)) {
    throw base.refuse("the tag is missing", {
      at: base.value.length,
      hint: "strict parsing fills in nothing: add :latest or another tag",
    });
  }
  const fallback = Span.of(options.defaultTag ?? DEFAULT_TAG);
  checkTag(fallback);
  return tagReference(repository, fallback.value, text);
}

/**
 * Parses a reference by digest: `[registry/]repository[:tag]@sha256:…` or `@sha512:…`.
 *
 * @throws {NameError} if `text` is not a valid reference by digest.
 */
export function parseDigest(text: DigestReference | string, options: NameOptions = {}): DigestReference {
  if (typeof text !== "string") return parsedAlready(text, ["digest"]);
  const whole = Span.of(text);
  const at = text.indexOf("@");
  if (at < 0) {
    throw whole.refuse("the digest is missing", {
      at: text.length,
      hint: "add @ and the digest: sha256: and 64 hex digits, or sha512: and 128",
    });
  }
  if (text.indexOf("@", at + 1) >= 0) {
    throw whole.refuse("there is a second @", { at: text.indexOf("@", at + 1) });
  }
  if (text.includes("/", at)) {
    throw whole.refuse("a digest can't have a path", {
      at,
      hint: "a name holds no credentials: log in to the registry instead",
    });
  }
  const { base, tag } = splitTag(whole.slice(0, at));
  const repository = repositoryIn(base, options);
  if (tag) checkTag(tag);
  return digestReference(repository, checkDigest(whole.slice(at + 1)), text);
}

/**
 * Parses the name of a repository: `[registry/]repository`.
 *
 * @throws {NameError} if `text` is not a valid repository name, for example if it has a tag or a digest.
 */
export function parseRepository(text: Repository | string, options: NameOptions = {}): Repository {
  if (typeof text !== "string") return parsedAlready(text, ["repository"]);
  return repositoryIn(Span.of(text), options);
}

/**
 * Parses the name of a registry: a host, with or without a port. `docker.io` is `index.docker.io`.
 *
 * @throws {NameError} if `text` is not a valid registry name.
 */
export function parseRegistry(text: Registry | string, options: NameOptions = {}): Registry {
  if (typeof text !== "string") return parsedAlready(text, ["registry"]);
  return registryIn(Span.of(text), options);
}

/** The words for each kind of name in an error. */
const KINDS = {
  tag: "a reference by tag",
  digest: "a reference by digest",
  repository: "a repository",
  registry: "a registry",
};

/** Returns a name that is parsed already. @throws {TypeError} if it is of another kind. */
function parsedAlready<Name extends { kind: keyof typeof KINDS }>(name: Name, kinds: readonly Name["kind"][]): Name {
  if (kinds.includes(name?.kind)) return name;
  throw wrongArgument(`${kinds.map((kind) => KINDS[kind]).join(" or ")}, as a string or parsed,`, name);
}

/** Splits off the tag: the text after the last colon, unless that colon belongs to the registry's port. */
function splitTag(span: Span): { base: Span; tag: Span | undefined } {
  const colon = span.value.lastIndexOf(":");
  if (colon < 0 || span.value.includes("/", colon)) return { base: span, tag: undefined };
  return { base: span.slice(0, colon), tag: span.slice(colon + 1) };
}

function repositoryIn(span: Span, options: NameOptions): Repository {
  const slash = span.value.indexOf("/");
  const first = span.value.slice(0, Math.max(slash, 0));
  const hasRegistry = first === "localhost" || /[.:]/.test(first);
  const registry = registryIn(span.slice(0, hasRegistry ? slash : 0), options);
  const path = hasRegistry ? span.slice(slash + 1) : span;
  checkRepository(path);
  if (isStrict(options) && isImplicit(registry, path.value)) {
    throw path.refuse("library/ is missing", { hint: "strict parsing fills in nothing: write library/ in front" });
  }
  return new Repository(registry, path.value);
}

function registryIn(span: Span, options: NameOptions): Registry {
  if (span.value === "" && isStrict(options)) {
    throw span.refuse("the registry is missing", {
      hint: `strict parsing fills in nothing: write ${DEFAULT_REGISTRY}/ or another registry in front`,
    });
  }
  const chosen = span.value === "" ? Span.of(options.defaultRegistry ?? DEFAULT_REGISTRY) : span;
  checkRegistry(chosen);
  const name = chosen.value === HUB_ALIAS ? DEFAULT_REGISTRY : chosen.value;
  return new Registry(name, options.insecure ?? false);
}

/** Returns the full form of a reference, since there are several ways to write one; `undefined` for any other text. */
export function fullName(text: string): string | undefined {
  try {
    return parseReference(text).name;
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
}
