/** An action in a repository that needs a permission. */
export type RegistryAction = "pull" | "push" | "delete";

/** A permission, in the form of a token's scope (distribution, "Token Scope Documentation"). */
export interface AccessScope {
  /** `repository`, or `registry` for the catalog. */
  readonly type: "repository" | "registry";
  /** The repository's name, or `catalog`. */
  readonly name: string;
  /** The actions: pull, push, delete; `*` for the catalog. */
  readonly actions: readonly string[];
}

/** A request whose permissions are to be checked. */
export interface AccessQuestion {
  /** The request as it came. */
  readonly request: Request;
  /** Its URL. */
  readonly url: URL;
  /** The address of the client, if it is known. */
  readonly address?: string;
  /** The permissions that it needs, all of them; none if the client only has to be signed in. */
  readonly needs: readonly AccessScope[];
  /** Further permissions that it can use, such as one for the repository that a blob is mounted from. */
  readonly wishes?: readonly AccessScope[];
  /** Whether the client is a browser, which has no tokens but can ask for a password. */
  readonly interactive?: boolean;
}

/** The client of an admitted request. */
export interface RegistryCaller {
  /** The name of the user; `undefined` for a client that is not signed in. */
  readonly user?: string;
  /** Returns whether the caller has a permission. */
  may(scope: AccessScope): boolean;
}

/** Access control: {@linkcode basicAccess}, {@linkcode tokenAccess}, or one of your own. */
export interface RegistryAccess {
  /** Admits a request, or returns the response that refuses it. */
  admit(question: AccessQuestion): Promise<RegistryCaller | Response>;
  /** Answers requests outside of `/v2/`, such as those to a token service; `undefined` for an unknown path. */
  serve?(question: Omit<AccessQuestion, "needs">): Promise<Response | undefined>;
}

/** The scope of the catalog. */
export const CATALOG: AccessScope = { type: "registry", name: "catalog", actions: ["*"] };

/** Makes the scope of actions in a repository. */
export function repositoryScope(name: string, ...actions: RegistryAction[]): AccessScope {
  return { type: "repository", name, actions };
}

/** Formats a scope: `repository:team/app:pull,push`. */
export function scopeText({ type, name, actions }: AccessScope): string {
  return `${type}:${name}:${actions.join(",")}`;
}

/** Access control that allows every client every action. */
export const openAccess: RegistryAccess = {
  admit: () => Promise.resolve({ may: () => true }),
};
