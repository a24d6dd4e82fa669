/** What somebody may do in a repository. */
export type RegistryAction = "pull" | "push" | "delete";

/** Something that needs a permission, as the scopes of tokens name it (distribution, "Token Scope Documentation"). */
export interface AccessScope {
  /** `repository`, or `registry` for the catalog. */
  readonly type: "repository" | "registry";
  /** The repository's name, or `catalog`. */
  readonly name: string;
  /** Pull, push, delete; `*` for the catalog. */
  readonly actions: readonly string[];
}

/** A request at the door. */
export interface AccessQuestion {
  /** The request as it came. */
  readonly request: Request;
  /** Its URL. */
  readonly url: URL;
  /** The address of the client, where it is known. */
  readonly address?: string;
  /** What it needs: all of it, or it is refused. Nothing, where it is enough to be signed in. */
  readonly needs: readonly AccessScope[];
  /** What it could use besides: where a blob is to be mounted from. */
  readonly wishes?: readonly AccessScope[];
  /** Whether a person with a browser asks, who has no tokens. */
  readonly interactive?: boolean;
}

/** Whoever was let in. */
export interface RegistryCaller {
  /** The name of the user; `undefined` for somebody who did not sign in. */
  readonly user?: string;
  /** Whether the caller has a permission. */
  may(scope: AccessScope): boolean;
}

/** Says who may do what: made by {@linkcode basicAccess} or {@linkcode tokenAccess}, or your own. */
export interface RegistryAccess {
  /** Lets a request in, or gives the answer that refuses it. */
  admit(question: AccessQuestion): Promise<RegistryCaller | Response>;
  /** Answers requests outside of `/v2/`, to a token service for example; `undefined` for what it does not know. */
  serve?(question: Omit<AccessQuestion, "needs">): Promise<Response | undefined>;
}

/** The catalog, as a scope. */
export const CATALOG: AccessScope = { type: "registry", name: "catalog", actions: ["*"] };

/** A repository and what is done in it, as a scope. */
export function repositoryScope(name: string, ...actions: RegistryAction[]): AccessScope {
  return { type: "repository", name, actions };
}

/** `repository:team/app:pull,push` */
export function scopeText({ type, name, actions }: AccessScope): string {
  return `${type}:${name}:${actions.join(",")}`;
}

/** Everybody may do everything. */
export const openAccess: RegistryAccess = {
  admit: () => Promise.resolve({ may: () => true }),
};
