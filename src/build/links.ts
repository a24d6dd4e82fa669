import { BuildError } from "../errors.ts";

/** A symbolic link of a project. */
interface Link {
  readonly path: string;
  readonly type: string;
  readonly target?: string;
}

/**
 * Checks that links lead to places of the project, and that each ends somewhere.
 *
 * @throws {BuildError} if a link leads out of the project, or links lead in a circle.
 */
export function checkLinks(files: readonly Link[]): void {
  const targets = new Map<string, string>();
  for (const { path, type, target = "" } of files) {
    if (type !== "link") continue;
    const resolved = linkTarget(path, target);
    if (resolved === undefined) {
      throw new BuildError(`the link ${path} leads to ${target}, out of the project`, {
        hint: "exclude it, or replace it by what it leads to",
      });
    }
    targets.set(path, resolved);
  }
  for (const start of targets.keys()) {
    const way = [start];
    for (let next = targets.get(start); next !== undefined; next = targets.get(next)) {
      if (way.includes(next)) throw new BuildError(`links lead in a circle: ${[...way, next].join(" -> ")}`);
      way.push(next);
    }
  }
}

/** Returns where a link leads, relative to the project; `undefined` if that is outside of it. */
export function linkTarget(path: string, target: string): string | undefined {
  if (target.startsWith("/") || target === "") return undefined;
  const parts = path.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}
