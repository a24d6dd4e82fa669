import { PlatformError } from "../errors.ts";
import { wrongArgument } from "./argument.ts";

/** The platform of an image (image-spec, "OCI Image Index", `platform`). */
export interface Platform {
  /** The CPU architecture, by its Go name: `amd64`, `arm64`, … */
  readonly architecture: string;
  /** The operating system, by its Go name: `linux`, `windows`, … */
  readonly os: string;
  /** The version of the operating system, used mainly for Windows. */
  readonly "os.version"?: string;
  /** Features of the operating system that the image requires. */
  readonly "os.features"?: readonly string[];
  /** The variant of the CPU: `v7`, `v8`, … */
  readonly variant?: string;
  /** Features of the CPU that the image requires (Docker manifest lists only). */
  readonly features?: readonly string[];
}

/**
 * The platform that is chosen from an index by default, and that a manifest without a platform counts as:
 * `linux/amd64`.
 */
export const DEFAULT_PLATFORM: Platform = Object.freeze({ architecture: "amd64", os: "linux" });

/**
 * Parses `os/architecture[/variant][:osversion]`; parts may be missing. Returns a {@linkcode Platform} as it is.
 *
 * @throws {PlatformError} if there are more than two slashes.
 * @throws {TypeError} if it is neither a string nor an object with `os` and `architecture`.
 */
export function parsePlatform(text: Platform | string): Platform {
  if (typeof text !== "string") {
    if (typeof text === "object" && text !== null && "os" in text && "architecture" in text) return text;
    throw wrongArgument("a platform, as linux/arm64 or as an object with os and architecture,", text);
  }
  const [path, ...versions] = text.trim().split(":");
  const [os = "", architecture = "", variant, ...rest] = path.split("/");
  if (rest.length > 0) {
    throw new PlatformError(`platform ${JSON.stringify(text)} has too many slashes`, {
      hint: "write os/architecture[/variant][:osversion], for example linux/arm64/v8",
    });
  }
  return {
    architecture,
    os,
    ...(versions.length === 1 && versions[0] !== "" ? { "os.version": versions[0] } : {}),
    ...(variant ? { variant } : {}),
  };
}

/** Formats a platform as {@linkcode parsePlatform} reads it; empty if it has no operating system. */
export function platformString(platform: Platform): string {
  if (!platform.os) return "";
  const path = [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/");
  return platform["os.version"] ? `${path}:${platform["os.version"]}` : path;
}

/**
 * Returns whether a platform satisfies `wanted`: each field of `wanted` is equal, and each of its features is present.
 * Fields missing in `wanted` are not compared. Not symmetric.
 */
export function platformSatisfies(platform: Platform, wanted: Platform | string): boolean {
  if (typeof wanted === "string") return platformSatisfies(platform, parsePlatform(wanted));
  const field = (name: "os" | "architecture" | "variant" | "os.version") =>
    !wanted[name] || wanted[name] === platform[name];
  const list = (name: "os.features" | "features") =>
    (wanted[name] ?? []).every((feature) => platform[name]?.includes(feature) ?? false);
  return field("os") && field("architecture") && field("variant") && field("os.version") &&
    list("os.features") && list("features");
}

/** Returns whether two platforms are equal; the order of features does not matter. */
export function platformEquals(a: Platform, b: Platform): boolean {
  const key = (platform: Platform) =>
    JSON.stringify([
      platform.os,
      platform.architecture,
      platform.variant || "",
      platform["os.version"] || "",
      [...platform["os.features"] ?? []].sort(),
      [...platform.features ?? []].sort(),
    ]);
  return key(a) === key(b);
}
