import type { AccessScope, RegistryAction } from "./access.ts";

/** Who may do what where. */
export interface AccessRule {
  /**
   * The name of a user, `*` for everybody who signed in, or `anonymous` for everybody.
   * @default "*"
   */
  readonly user?: string;
  /** A repository, or many: `*` stands for any text without `/`, `**` for any text. */
  readonly repository: string;
  /** What is allowed. */
  readonly actions: readonly RegistryAction[];
}

/** The user that rules call by this name is nobody, and so everybody. */
export const ANONYMOUS = "anonymous";

const ACTIONS: readonly RegistryAction[] = ["pull", "push", "delete"];
const PATTERN = /^[a-z0-9._/*-]+$/;

/** What is allowed, by rules; without any, everything to whoever signed in. */
export class AccessRules {
  readonly #rules: readonly (Required<AccessRule> & { readonly matches: RegExp })[];

  /** Takes the rules. @throws {TypeError} when one makes no sense. */
  constructor(rules: readonly AccessRule[] | undefined, { anonymousPull = false }: { anonymousPull?: boolean } = {}) {
    const given = rules ?? [{ repository: "**", actions: ACTIONS }];
    const more: AccessRule[] = anonymousPull ? [{ user: ANONYMOUS, repository: "**", actions: ["pull"] }] : [];
    this.#rules = [...given, ...more].map(({ user = "*", repository, actions }) => {
      if (!PATTERN.test(repository)) throw new TypeError(`${JSON.stringify(repository)} is no pattern of repositories`);
      for (const action of actions) {
        if (!ACTIONS.includes(action)) throw new TypeError(`${JSON.stringify(action)} is none of pull, push, delete`);
      }
      return { user, repository, actions, matches: patternOf(repository) };
    });
  }

  /** Which of the actions of a scope a user (`undefined`: who did not sign in) has. `*` asks for all there are. */
  allowed(user: string | undefined, { type, name, actions }: AccessScope): string[] {
    const rules = this.#rules.filter((rule) =>
      rule.user === ANONYMOUS || user !== undefined && (rule.user === "*" || rule.user === user)
    );
    if (type === "registry") {
      // The catalog names every repository, so it is for those who may look into every one.
      const sees = rules.some(({ repository, actions }) => repository === "**" && actions.includes("pull"));
      return name === "catalog" && sees ? actions.filter((action) => action === "*") : [];
    }
    const granted = rules.filter(({ matches }) => matches.test(name)).flatMap(({ actions }) => actions);
    return ACTIONS.filter((action) => granted.includes(action) && (actions.includes(action) || actions.includes("*")));
  }

  /** Whether a user has all of a scope. */
  allow(user: string | undefined, scope: AccessScope): boolean {
    const allowed = this.allowed(user, scope);
    return scope.actions.every((action) => allowed.includes(action));
  }

  /** Whether somebody who did not sign in may do anything at all. */
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
