import type { Hash } from "../spec/mod.ts";
import { DEFAULT_REGISTRY } from "./options.ts";
import { checkDigest, checkRepository, checkTag } from "./rules.ts";
import { type Scheme, schemes } from "./scheme.ts";
import { Span } from "./span.ts";

/** The namespace of Docker Hub's images that have no other. */
const HUB_NAMESPACE = "library";

/** A registry: its host, and the schemes that are allowed for it. Immutable. */
export class Registry {
  /** Distinguishes a registry from a repository and a reference. */
  readonly kind = "registry";
  /** The host, with its port if it has one: `ghcr.io`, `localhost:5000`; Docker Hub is `index.docker.io`. */
  readonly name: string;
  /** Whether plain http is allowed for it regardless of its host. */
  readonly insecure: boolean;

  /** Creates a registry from a validated host. */
  constructor(name: string, insecure: boolean) {
    this.name = name;
    this.insecure = insecure;
    Object.freeze(this);
  }

  /** The host as in a URL: an IPv6 address is in brackets. */
  get authority(): string {
    const colons = this.name.split(":").length - 1;
    return colons > 1 && !this.name.startsWith("[") ? `[${this.name}]` : this.name;
  }

  /** The schemes to try, https first. */
  get schemes(): readonly Scheme[] {
    return schemes(this.name, { insecure: this.insecure });
  }

  /**
   * Returns a repository of this registry.
   *
   * @throws {NameError} if `path` is not a valid repository path.
   */
  repository(path: string): Repository {
    checkRepository(Span.of(path));
    return new Repository(this, path);
  }

  /** Returns the name. */
  toString(): string {
    return this.name;
  }
}

/** A repository in its registry. Immutable. */
export class Repository {
  /** Distinguishes a repository from a registry and a reference. */
  readonly kind = "repository";
  /** The registry that holds it. */
  readonly registry: Registry;
  /** The path in the registry: `library/ubuntu`. */
  readonly path: string;
  /** The full form: `index.docker.io/library/ubuntu`. */
  readonly name: string;

  /** Creates a repository from a validated path; adds Docker Hub's `library/` where it is implied. */
  constructor(registry: Registry, path: string) {
    this.registry = registry;
    this.path = isImplicit(registry, path) ? `${HUB_NAMESPACE}/${path}` : path;
    this.name = `${registry.name}/${this.path}`;
    Object.freeze(this);
  }

  /**
   * Returns a reference to a tag of this repository.
   *
   * @throws {NameError} if `tag` is not a valid tag.
   */
  tag(tag: string): TagReference {
    checkTag(Span.of(tag));
    return tagReference(this, tag);
  }

  /**
   * Returns a reference to a digest in this repository.
   *
   * @throws {NameError} if `digest` is not `sha256:` and 64 lower-case hex digits, or `sha512:` and 128.
   */
  digest(digest: string): DigestReference {
    return digestReference(this, checkDigest(Span.of(digest)));
  }

  /** Returns the full form. */
  toString(): string {
    return this.name;
  }
}

/** The members that references by tag and by digest have in common. */
export interface ReferenceBase {
  /** The registry that holds the repository. */
  readonly registry: Registry;
  /** The repository, which makes further references: `` `${reference.repository}@${digest}` `` is a full name. */
  readonly repository: Repository;
  /** The full form: `index.docker.io/library/ubuntu:latest`. */
  readonly name: string;
  /** The reference as it was typed. */
  toString(): string;
}

/** A reference by tag: to the manifest that the tag points at when it is read. */
export interface TagReference extends ReferenceBase {
  /** Distinguishes the two kinds of references. */
  readonly kind: "tag";
  /** The tag. */
  readonly identifier: string;
}

/** A reference by digest: always to the same content. */
export interface DigestReference extends ReferenceBase {
  /** Distinguishes the two kinds of references. */
  readonly kind: "digest";
  /** The digest: `sha256:` and 64 hex digits, or `sha512:` and 128. */
  readonly identifier: Hash;
}

/** The name of a manifest in a registry: by tag or by digest. Immutable. */
export type Reference = TagReference | DigestReference;

class NamedReference<Kind extends Reference["kind"], Identifier extends string> implements ReferenceBase {
  readonly kind: Kind;
  readonly registry: Registry;
  readonly repository: Repository;
  readonly identifier: Identifier;
  readonly name: string;
  readonly #typed: string;

  constructor(repository: Repository, parts: { kind: Kind; identifier: Identifier; typed: string | undefined }) {
    this.kind = parts.kind;
    this.registry = repository.registry;
    this.repository = repository;
    this.identifier = parts.identifier;
    this.name = `${repository.name}${parts.kind === "tag" ? ":" : "@"}${parts.identifier}`;
    this.#typed = parts.typed ?? this.name;
    Object.freeze(this);
  }

  toString(): string {
    return this.#typed;
  }
}

/** Creates a reference from a validated tag; `typed` is the user's text, by default the full form. */
export function tagReference(repository: Repository, identifier: string, typed?: string): TagReference {
  return new NamedReference(repository, { kind: "tag", identifier, typed });
}

/** Creates a reference from a validated digest; `typed` is the user's text, by default the full form. */
export function digestReference(repository: Repository, identifier: Hash, typed?: string): DigestReference {
  return new NamedReference(repository, { kind: "digest", identifier, typed });
}

/** Returns whether a path is an image of Docker Hub's `library/` without that prefix. */
export function isImplicit(registry: Registry, path: string): boolean {
  return registry.name === DEFAULT_REGISTRY && !path.includes("/");
}
