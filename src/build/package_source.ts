import { BuildError } from "../errors.ts";
import type { Platform } from "../spec/mod.ts";
import type { PackageContent } from "./dependencies.ts";
import type { LockedPackage } from "./locked_package.ts";

export function fetchPackage({ name, version }: LockedPackage): Promise<PackageContent> {
  throw new BuildError(`${name}@${version} is not in node_modules`, { hint: "install it" });
}
const CPU: Record<string, string> = { amd64: "x64", arm64: "arm64", 386: "ia32", arm: "arm" };
export function fits({ os, cpu, libc }: LockedPackage, platform: Platform, wanted: string): boolean {
  const test = (list: readonly string[] | undefined, value: string) =>
    list === undefined || (list.some((x) => x.startsWith("!")) ? !list.includes(`!${value}`) : list.includes(value));
  return test(os, platform.os) && test(cpu, CPU[platform.architecture] ?? platform.architecture) && test(libc, wanted);
}
