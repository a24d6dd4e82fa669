import type { RegistryAccess, RegistryAction } from "./access.ts";
import type { AccessRule } from "./access_rules.ts";
import { basicAccess } from "./basic_access.ts";
import { tokenAccess } from "./token_access.ts";

/** Settings of the access control as text, from flags or from the variables and secrets of a Worker. */
export interface AccessSettings {
  /**
   * The text of an htpasswd file, or a function that reads it.
   * @default none
   */
  htpasswd?: string | (() => string | Promise<string>);
  /**
   * Users with their passwords: lines of `user:password`.
   * @default none
   */
  users?: string;
  /**
   * Rules of the form `USER=REPOSITORY:ACTIONS`, separated by spaces: `ann=team/**:pull,push`.
   * @default every signed-in user may do everything
   */
  allow?: readonly string[];
  /**
   * Whether every client may pull.
   * @default false
   */
  anonymousPull?: boolean;
  /**
   * Whether passwords are exchanged for tokens; any other setting of tokens implies it.
   * @default false
   */
  tokenAuth?: boolean;
  /**
   * The private key that tokens are signed with, as PEM or JWK.
   * @default a new one
   */
  tokenKey?: string;
  /**
   * URLs of the public keys of other servers whose tokens are accepted, separated by spaces.
   * @default none
   */
  tokenTrust?: readonly string[];
  /**
   * The URL of another server that issues the tokens.
   * @default this registry issues them
   */
  tokenRealm?: string;
  /**
   * The URL at which clients reach this registry.
   * @default that of the request
   */
  publicUrl?: string;
}

/** Options of {@linkcode accessFromSettings}. */
export interface AccessSettingsOptions {
  /**
   * Returns the name of a setting for an error, such as `--token-trust`.
   * @default its name here
   */
  label?: (setting: keyof AccessSettings) => string;
  /**
   * Called when `htpasswd` can't be read again; the users of its last good text stay.
   * @default nothing
   */
  onUsersError?: (error: unknown) => void;
}

/**
 * Makes the access control from settings; `undefined` if there are none, which allows every client everything.
 *
 * @throws {TypeError} if a setting is malformed, or if there are no users.
 * @throws {AuthError} if the text of `htpasswd` is malformed.
 */
export function accessFromSettings(
  settings: AccessSettings,
  options: AccessSettingsOptions = {},
): RegistryAccess | undefined {
  const { label = (setting) => setting, onUsersError } = options;
  const { htpasswd, anonymousPull = false, tokenKey, tokenRealm, publicUrl } = settings;
  const users = usersFrom(settings.users, label("users"));
  const trustedKeys = words(settings.tokenTrust).map((url) => checkedUrl(url, label("tokenTrust")));
  const rules = words(settings.allow).map((text) => parseRule(text, label("allow")));
  const isToken = settings.tokenAuth || tokenKey !== undefined || trustedKeys.length > 0 || tokenRealm !== undefined;
  if (!isToken && !anonymousPull && htpasswd === undefined && users === undefined && rules.length === 0) {
    return undefined;
  }
  if (tokenRealm !== undefined && trustedKeys.length === 0) {
    throw new TypeError(
      `${label("tokenRealm")} needs ${label("tokenTrust")}: the keys of the server that issues the tokens`,
    );
  }
  if (htpasswd === undefined && users === undefined && tokenRealm === undefined) {
    throw new TypeError(`there are no users: set ${label("htpasswd")} or ${label("users")}`);
  }
  const common = { htpasswd, onUsersError, users, rules: rules.length > 0 ? rules : undefined, anonymousPull };
  if (!isToken) return basicAccess(common);
  return tokenAccess({
    ...common,
    signingKey: tokenKey,
    trustedKeys,
    realm: tokenRealm && checkedUrl(tokenRealm, label("tokenRealm")),
    publicUrl: publicUrl && checkedUrl(publicUrl, label("publicUrl")),
  });
}

function usersFrom(text: string | undefined, label: string): Record<string, string> | undefined {
  if (!text?.trim()) return undefined;
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(":");
    if (colon < 1) throw new TypeError(`${label} is not lines of user:password`);
    return [line.slice(0, colon), line.slice(colon + 1)];
  }));
}

function parseRule(text: string, label: string): AccessRule {
  const match = /^(.+)=([a-z0-9._/*-]+):([a-z,]+)$/.exec(text);
  const actions = match?.[3].split(",") ?? [];
  if (!match || !actions.every(isAction)) {
    throw new TypeError(`${label} ${text} is not USER=REPOSITORY:ACTIONS, for example ann=team/**:pull,push,delete`);
  }
  return { user: match[1], repository: match[2], actions: actions.filter(isAction) };
}

function isAction(text: string): text is RegistryAction {
  return text === "pull" || text === "push" || text === "delete";
}

function checkedUrl(text: string, label: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new TypeError(`${label} ${text} is not a URL that starts with https:// or http://`);
}

function words(texts: readonly string[] = []): string[] {
  return texts.flatMap((text) => text.split(/\s+/)).filter(Boolean);
}
