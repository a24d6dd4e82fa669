import { BuildError } from "../errors.ts";
import { isObject } from "../io/mod.ts";

/** What runs an app: a JavaScript runtime, or nothing, for a program that runs by itself. */
export type BuildRuntime = "node" | "bun" | "deno" | "none";

/** What a project may set for its image, in the key `gcrane` of package.json or deno.json. Every field is optional. */
export interface BuildSettings {
  /**
   * The image to build on: a reference, or the path of a layout or an archive for the command line.
   * @default an image with nothing but the runtime
   */
  readonly base?: string;
  /**
   * The runtime.
   * @default from the start script, the lock file and the configuration, Node.js last
   */
  readonly runtime?: BuildRuntime;
  /**
   * The file that is run.
   * @default from `scripts.start`, `bin`, `main` or `exports`
   */
  readonly entry?: string;
  /**
   * Arguments of the app.
   * @default those of `scripts.start`, if that is where the entry comes from
   */
  readonly args?: readonly string[];
  /**
   * Environment variables, besides those of the base.
   * @default NODE_ENV=production for Node.js and Bun
   */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Labels, besides the base's and those of OCI.
   * @default none
   */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * The user, `USER[:GROUP]`.
   * @default 65532
   */
  readonly user?: string;
  /**
   * Ports that the app listens on: `8080`, `53/udp`.
   * @default none
   */
  readonly ports?: readonly string[];
  /**
   * Globs of the files that go in. They also bring in what is left out otherwise; a secret only under its own path.
   * @default everything
   */
  readonly include?: readonly string[];
  /**
   * Globs of files that stay out.
   * @default none
   */
  readonly exclude?: readonly string[];
  /**
   * Platforms to build for.
   * @default those of the base
   */
  readonly platforms?: readonly string[];
  /**
   * The C library of the base, which decides between packages made for one of the two.
   * @default musl for a base with `alpine` in its name, else glibc
   */
  readonly libc?: "glibc" | "musl";
  /**
   * Packages that work without their install scripts.
   * @default none
   */
  readonly ignoreScripts?: readonly string[];
  /**
   * The most layers that dependencies are spread over.
   * @default 10
   */
  readonly layers?: number;
}

type Kind = "text" | "list" | "map" | "number";

const KINDS: Readonly<Record<keyof BuildSettings, Kind>> = {
  base: "text",
  runtime: "text",
  entry: "text",
  args: "list",
  env: "map",
  labels: "map",
  user: "text",
  ports: "list",
  include: "list",
  exclude: "list",
  platforms: "list",
  libc: "text",
  ignoreScripts: "list",
  layers: "number",
};

const NOUNS: Readonly<Record<Kind, string>> = {
  text: "a text",
  list: "a list of texts",
  map: "an object of texts",
  number: "a whole number above 0",
};

/**
 * Reads the settings in the key `gcrane` of a package.json or deno.json.
 *
 * @throws {BuildError} if one is unknown or of another type.
 */
export function settingsOf(configuration: Readonly<Record<string, unknown>>, file: string): BuildSettings {
  const value = configuration.gcrane;
  if (value === undefined) return {};
  if (!isObject(value)) throw new BuildError(`"gcrane" in ${file} is not an object`);
  for (const [name, setting] of Object.entries(value)) {
    const kind = Object.hasOwn(KINDS, name) ? KINDS[name as keyof BuildSettings] : undefined;
    if (kind === undefined) {
      throw new BuildError(`"gcrane" in ${file} has the unknown key ${JSON.stringify(name)}`, {
        hint: `it may have ${Object.keys(KINDS).join(", ")}`,
      });
    }
    if (!isOf(kind, setting)) throw new BuildError(`"gcrane.${name}" in ${file} is not ${NOUNS[kind]}`);
  }
  return checkSettings(value as BuildSettings, (name) => `"gcrane.${name}" in ${file}`);
}

/** Returns the same settings. @throws {BuildError} if a value is not one of those that there are. */
export function checkSettings(settings: BuildSettings, nameOf: (name: string) => string): BuildSettings {
  const oneOf = (name: "runtime" | "libc", values: readonly string[]) => {
    const value = settings[name];
    if (value === undefined || values.includes(value)) return;
    throw new BuildError(`${nameOf(name)} is ${JSON.stringify(value)}, not one of ${values.join(", ")}`);
  };
  oneOf("runtime", ["node", "bun", "deno", "none"]);
  oneOf("libc", ["glibc", "musl"]);
  const port = settings.ports?.find((port) =>
    !/^[1-9]\d{0,4}(?:\/(?:tcp|udp|sctp))?$/.test(port) || Number.parseInt(port) > 65535
  );
  if (port !== undefined) throw new BuildError(`${nameOf("ports")} has ${JSON.stringify(port)}, which is not a port`);
  const variable = Object.keys(settings.env ?? {}).find((name) => name === "" || name.includes("="));
  if (variable !== undefined) {
    throw new BuildError(
      `${nameOf("env")} has ${JSON.stringify(variable)}, which is not a name for an environment variable`,
    );
  }
  if (settings.layers !== undefined && !isOf("number", settings.layers)) {
    throw new BuildError(`${nameOf("layers")} is not ${NOUNS.number}`);
  }
  return settings;
}

function isOf(kind: Kind, value: unknown): boolean {
  switch (kind) {
    case "text":
      return typeof value === "string";
    case "number":
      return Number.isSafeInteger(value) && (value as number) > 0;
    case "list":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "map":
      return isObject(value) && Object.values(value).every((item) => typeof item === "string");
  }
}
