import { encodeHex } from "@std/encoding/hex";
import { utf8 } from "../make/bytes.ts";

/** A package of a {@linkcode FakeJsrRegistry}. */
export interface FakeJsrPackage {
  /** `@scope/name`. */
  readonly name: string;
  readonly version: string;
  /** Its modules by their paths, with `/` in front; `/mod.ts` is what it exports. */
  readonly files: Readonly<Record<string, string>>;
}

/** A registry as JSR, in memory: lists of versions and of files, and modules at `/@SCOPE/NAME/VERSION/PATH`. */
export class FakeJsrRegistry {
  readonly #answers = new Map<string, string>();

  private constructor() {}

  /** Makes a registry with packages of different names. */
  static async of(...packages: readonly FakeJsrPackage[]): Promise<FakeJsrRegistry> {
    const registry = new FakeJsrRegistry();
    for (const { name, version, files } of packages) {
      const [scope, own] = name.slice(1).split("/");
      const manifest: Record<string, object> = {};
      for (const [path, text] of Object.entries(files)) {
        const checksum = `sha256-${encodeHex(await crypto.subtle.digest("SHA-256", utf8(text)))}`;
        manifest[path] = { size: utf8(text).length, checksum };
        registry.#answers.set(`/${name}/${version}${path}`, text);
      }
      const versions = { scope, name: own, latest: version, versions: { [version]: {} } };
      registry.#answers.set(`/${name}/meta.json`, JSON.stringify(versions));
      const facts = { manifest, exports: { ".": "./mod.ts" } };
      registry.#answers.set(`/${name}/${version}_meta.json`, JSON.stringify(facts));
    }
    return registry;
  }

  /** Answers a request. */
  readonly fetch = (request: Request): Response => {
    const { pathname } = new URL(request.url);
    const text = this.#answers.get(pathname);
    const type = pathname.endsWith(".json") ? "application/json" : "application/typescript";
    return text === undefined
      ? new Response("not found", { status: 404 })
      : new Response(text, { headers: { "content-type": type } });
  };
}
