import { main } from "../../../cli/main.ts";
import { FakeIo } from "../../fakes/fake_io.ts";
import { ownCredentials } from "../../make/command_world.ts";

/** A registry that the command serves, until it is interrupted. */
export class Served {
  readonly io: FakeIo;
  readonly code: Promise<number>;
  readonly #url = Promise.withResolvers<string>();

  constructor(words: readonly string[], environment: Record<string, string> = {}) {
    this.io = new FakeIo({
      environment: { ...ownCredentials("/there/is/no/such/folder"), ...environment },
      onMessage: (text) => {
        const url = / at (https?:\/\/[^\s"]+)/.exec(text)?.[1];
        if (url !== undefined) this.#url.resolve(url);
      },
    });
    this.code = main(["registry", "serve", ...words], this.io);
    this.code.then((code) => this.#url.reject(new Error(`it ended with ${code}: ${this.io.err}`)));
  }

  /** Returns the log without the times of its lines. */
  log(): string {
    return this.io.err.replaceAll(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /gm, "");
  }

  async url(): Promise<string> {
    return await this.#url.promise;
  }

  async interrupt(): Promise<number> {
    this.io.interrupt("SIGINT");
    return await this.code;
  }
}
