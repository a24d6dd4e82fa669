import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { BoundedMap, SharedWork } from "../../io/mod.ts";
import type { Bytes } from "../../runtime/mod.ts";
import { ANONYMOUS } from "./access_rules.ts";
import { FailureLimit } from "./failure_limit.ts";
import { isPassword, parsePasswordFile, reservedName, type StoredPassword } from "./password_file.ts";

/** Options on users and their passwords. */
export interface UsersOptions {
  /**
   * The text of an htpasswd file with bcrypt (`htpasswd -B`) or SHA-1 (`htpasswd -s`); or a function that reads it,
   * which is called again at most every second, so that changes take effect while the registry serves.
   * @default none
   */
  htpasswd?: string | (() => string | Promise<string>);
  /**
   * Called when `htpasswd` can't be read again: the function has failed, or its text is malformed. The users of the last
   * good text stay. It is called again only for another failure, or after a good text.
   * @default nothing
   */
  onUsersError?: (error: unknown) => void;
  /**
   * Users with their plain passwords.
   * @default none
   */
  users?: Readonly<Record<string, string>>;
  /**
   * The number of wrong passwords that an address may send for one user within a minute; for all users together it may
   * send five times as many. Beyond that, one password a second is tried for each user, and the answer to others is 429.
   * A user who has just sent the right password is not affected by wrong ones for other users.
   * @default 10
   */
  failureLimit?: number;
  /**
   * The time, in milliseconds since 1970.
   * @default Date.now
   */
  clock?: () => number;
}

/** A name and a password. */
export interface Credentials {
  /** The name. */
  readonly user: string;
  /** The password. */
  readonly password: string;
}

/** The result of a check, or for how many milliseconds no password is checked. */
export type PasswordResult = "right" | "wrong" | { readonly waitMs: number };

const WINDOW_MS = 60_000;
const RELOAD_MS = 1_000;
const MOST_PROOFS = 10_000;

/**
 * The users of a registry. A right password is remembered as a keyed hash, since clients send it with every request and
 * bcrypt is slow by design.
 */
export class Users {
  readonly #options: UsersOptions;
  readonly #clock: () => number;
  readonly #byUser: FailureLimit;
  readonly #byAddress: FailureLimit;
  readonly #proofs = new BoundedMap<string, { readonly proof: Bytes; readonly stored: string }>(MOST_PROOFS);
  readonly #checks = new SharedWork<boolean>();
  #key: Promise<CryptoKey> | undefined;
  #failure: string | undefined;
  #loaded:
    | { readonly text: string | undefined; readonly at: number; readonly users: Map<string, StoredPassword> }
    | undefined;

  /** Loads the users. @throws {AuthError} if the text of `htpasswd` is malformed. */
  constructor(options: UsersOptions) {
    const { clock = Date.now, failureLimit = 10 } = options;
    this.#options = options;
    this.#clock = clock;
    this.#byUser = new FailureLimit({ limit: failureLimit, windowMs: WINDOW_MS, clock });
    this.#byAddress = new FailureLimit({ limit: failureLimit * 5, windowMs: WINDOW_MS, clock });
    if (typeof options.htpasswd !== "function") this.#load(options.htpasswd);
  }

  /** Whether there can be any users. */
  get exist(): boolean {
    return this.#options.htpasswd !== undefined || Object.keys(this.#options.users ?? {}).length > 0;
  }

  /** Checks a password. The check takes as long for an unknown user. */
  async verify({ user, password }: Credentials, address = ""): Promise<PasswordResult> {
    const users = await this.#users();
    const stored = users.get(user);
    const proof = await this.#proof(`${user}\n${password}`);

    const byUser = `${address} ${user}`;
    // There is no await between these checks and the count of the try.
    const isSlowed = this.#byUser.isOver(byUser);
    const waitMs = this.#byUser.pause(byUser);
    if (isSlowed && waitMs > 0) return { waitMs };
    const known = this.#proofs.get(user);
    if (stored && known?.stored === stored.text && timingSafeEqual(known.proof, proof)) return "right";
    // Real and invented users are slowed down alike, so that the answers do not reveal which ones exist.
    if (address !== "" && this.#byAddress.isOver(address) && waitMs > 0) return { waitMs };

    const isRight = await this.#checks.run(`${byUser} ${proof}`, {}, async () => {
      this.#byUser.add(byUser);
      this.#byAddress.add(address);
      const isRight = await this.#check(password, stored, users);
      if (isRight) {
        this.#byUser.takeBack(byUser);
        this.#byAddress.takeBack(address);
      }
      return isRight;
    });
    if (!isRight) return "wrong";
    this.#proofs.set(user, { proof, stored: stored!.text });
    return "right";
  }

  async #check(
    password: string,
    stored: StoredPassword | undefined,
    users: Map<string, StoredPassword>,
  ): Promise<boolean> {
    const compared: StoredPassword | undefined = stored ?? users.values().next().value;
    return compared !== undefined && await isPassword(password, compared) && stored !== undefined;
  }

  async #users(): Promise<Map<string, StoredPassword>> {
    const { htpasswd } = this.#options;
    const loaded = this.#loaded;
    if (typeof htpasswd !== "function") return loaded!.users;
    const now = this.#clock();
    if (loaded && now - loaded.at < RELOAD_MS) return loaded.users;
    if (loaded) this.#loaded = { ...loaded, at: now }; // the requests meanwhile do not read it too
    try {
      const users = this.#load(await htpasswd(), now);
      this.#failure = undefined;
      return users;
    } catch (error) {
      if (!loaded) throw error;
      const failure = String(error);
      if (failure !== this.#failure) this.#options.onUsersError?.(error);
      this.#failure = failure;
      return loaded.users;
    }
  }

  #load(text: string | undefined, at = 0): Map<string, StoredPassword> {
    const users = this.#loaded?.text === text && this.#loaded ? this.#loaded.users : this.#parse(text);
    this.#loaded = { text, at, users };
    return users;
  }

  #parse(text: string | undefined): Map<string, StoredPassword> {
    const users = text === undefined ? new Map<string, StoredPassword>() : parsePasswordFile(text);
    for (const [user, password] of Object.entries(this.#options.users ?? {})) {
      if (user === ANONYMOUS) throw reservedName("users");
      users.set(user, { kind: "plain", text: password });
    }
    return users;
  }

  async #proof(text: string): Promise<Bytes> {
    // Generated at its first use: Workers have no randomness before the first request.
    this.#key ??= crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]) as Promise<CryptoKey>;
    return new Uint8Array(await crypto.subtle.sign("HMAC", await this.#key, new TextEncoder().encode(text)));
  }
}
