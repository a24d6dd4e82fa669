import type { Hash } from "../spec/mod.ts";
import { DEFAULT_REGISTRY } from "./options.ts";
import { checkDigest, checkRepository, checkTag } from "./rules.ts";
import { type Scheme, schemes } from "./scheme.ts";
import { Span } from "./span.ts";

/** The place of images with a name in Docker Hub that has no other. */
const HUB_NAMESPACE = "library";

/** A registry: its host, and how it may be spoken to. Immutable. */
export class Registry {
  /** Tells a registry from a repository and a reference. */
  readonly kind = "registry";
  /** The host, with its port if it has one: `ghcr.io`, `localhost:5000`; Docker Hub is `index.docker.io`. */
  readonly name: string;
  /** Whether it was marked as one that may be spoken to over plain http. */
  readonly insecure: boolean;

  /** Takes a host that was checked. */
  constructor(name: string, insecure: boolean) {
    this.name = name;
    this.insecure = insecure;
    Object.freeze(this);
  }

  /** The host as a URL has it: an IPv6 address is in brackets. */
  get authority(): string {
    const colons = this.name.split(":").length - 1;
    return colons > 1 && !this.name.startsWith("[") ? `[${this.name}]` : this.name;
  }

  /** The schemes that may be tried, https first. */
  get schemes(): readonly Scheme[] {
    return schemes(this.name, { insecure: this.insecure });
  }

  /**
   * A repository of this registry.
   *
   * @throws {NameError} when `path` can't be one.
   */
  repository(path: string): Repository {
    checkRepository(Span.of(path));
    return new Repository(this, path);
  }

  /** The name. */
  toString(): string {
    return this.name;
  }
}

/** A repository in its registry. Immutable. */
export class Repository {
  /** Tells a repository from a registry and a reference. */
  readonly kind = "repository";
  /** The registry that holds it. */
  readonly registry: Registry;
  /** The path in the registry: `library/ubuntu`. */
  readonly path: string;
  /** The full form: `index.docker.io/library/ubuntu`. */
  readonly name: string;

  /** Takes a path that was checked; Docker Hub's `library/` is added where it is implied. */
  constructor(registry: Registry, path: string) {
    this.registry = registry;
    this.path = isImplicit(registry, path) ? `${HUB_NAMESPACE}/${path}` : path;
    this.name = `${registry.name}/${this.path}`;
    Object.freeze(this);
  }

  /**
   * The reference to a tag of this repository.
   *
   * @throws {NameError} when `tag` can't be one.
   */
  tag(tag: string): TagReference {
    checkTag(Span.of(tag));
    return tagReference(this, tag);
  }

  /**
   * The reference to a digest in this repository.
   *
   * @throws {NameError} when `digest` is not `sha256:` and 64 lower-case hex digits, or `sha512:` and 128.
   */
  digest(digest: string): DigestReference {
    return digestReference(this, checkDigest(Span.of(digest)));
  }

  /** The full form. */
  toString(): string {
    return this.name;
  }
}

/** What a reference by tag and one by digest have in common. */
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

/** A reference to what a tag points at now. */
export interface TagReference extends ReferenceBase {
  /** Tells the two kinds of references apart. */
  readonly kind: "tag";
  /** The tag. */
  readonly identifier: string;
}

/** A reference to one content for ever. */
export interface DigestReference extends ReferenceBase {
  /** Tells the two kinds of references apart. */
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

/** The reference to a tag that was checked; `typed` is what the user wrote, the full form if nothing is given. */
export function tagReference(repository: Repository, identifier: string, typed?: string): TagReference {
  return new NamedReference(repository, { kind: "tag", identifier, typed });
}

/** The reference to a digest that was checked; `typed` is what the user wrote, the full form if nothing is given. */
export function digestReference(repository: Repository, identifier: Hash, typed?: string): DigestReference {
  return new NamedReference(repository, { kind: "digest", identifier, typed });
}

/** Whether a path means an image of Docker Hub's `library/`. */
export function isImplicit(registry: Registry, path: string): boolean {
  return registry.name === DEFAULT_REGISTRY && !path.includes("/");
}
