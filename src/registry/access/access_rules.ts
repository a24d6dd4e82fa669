import type { AccessScope, RegistryAction } from "./access.ts";

/** A rule that allows users actions in repositories. */
export interface AccessRule {
  /**
   * The name of a user; `*` is every signed-in user, `anonymous` is every client.
   * @default "*"
   */
  readonly user?: string;
  /** The repositories: `*` stands for any text without `/`, `**` for any text. */
  readonly repository: string;
  /** The actions that it allows. */
  readonly actions: readonly RegistryAction[];
}

/** The name by which rules allow actions to every client, signed in or not. */
export const ANONYMOUS = "anonymous";

const ACTIONS: readonly RegistryAction[] = ["pull", "push", "delete"];
const PATTERN = /^[a-z0-9._/*-]+$/;

/** The rules of a registry; by default, every signed-in user may do everything. */
export class AccessRules {
  readonly #rules: readonly (Required<AccessRule> & { readonly matches: RegExp })[];

  /** Checks and keeps the rules. @throws {TypeError} if one has a malformed repository or an unknown action. */
  constructor(rules: readonly AccessRule[] | undefined, { anonymousPull = false }: { anonymousPull?: boolean } = {}) {
    const given = rules ?? [{ repository: "**", actions: ACTIONS }];
    const more: AccessRule[] = anonymousPull ? [{ user: ANONYMOUS, repository: "**", actions: ["pull"] }] : [];
    this.#rules = [...given, ...more].map(({ user = "*", repository, actions }) => {
      if (!PATTERN.test(repository)) {
        throw new TypeError(`${JSON.stringify(repository)} is not a pattern of repository names`);
      }
      for (const action of actions) {
        if (!ACTIONS.includes(action)) {
          throw new TypeError(`${JSON.stringify(action)} is not one of pull, push, delete`);
        }
      }
      return { user, repository, actions, matches: patternOf(repository) };
    });
  }

  /** Returns the actions of a scope that a user has, or a client without a user; `*` in the scope stands for all actions. */
  allowed(user: string | undefined, { type, name, actions }: AccessScope): string[] {
    const rules = this.#rules.filter((rule) =>
      rule.user === ANONYMOUS || user !== undefined && (rule.user === "*" || rule.user === user)
    );
    if (type === "registry") {
      // The catalog names every repository, so it needs the permission to pull from every one.
      const sees = rules.some(({ repository, actions }) => repository === "**" && actions.includes("pull"));
      return name === "catalog" && sees ? actions.filter((action) => action === "*") : [];
    }
    const granted = rules.filter(({ matches }) => matches.test(name)).flatMap(({ actions }) => actions);
    return ACTIONS.filter((action) => granted.includes(action) && (actions.includes(action) || actions.includes("*")));
  }

  /** Returns whether a user has all actions of a scope. */
  allow(user: string | undefined, scope: AccessScope): boolean {
    const allowed = this.allowed(user, scope);
    return scope.actions.every((action) => allowed.includes(action));
  }

  /** Whether any rule allows an action to a client that is not signed in. */
  get admitsAnonymous(): boolean {
    return this.#rules.some(({ user }) => user === ANONYMOUS);
  }
}

function patternOf(pattern: string): RegExp {
  const source = pattern.replaceAll(
    /\*\*|\*|[^*]+/g,
    (part) => part === "**" ? ".*" : part === "*" ? "[^/]*" : part.replaceAll(".", "\\."),
  );
  return new RegExp(`^${source}$`);
}
