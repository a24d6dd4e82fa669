// Types of the `@std` names that deno.json maps to npm's deno-std, which is the same code without types.
// Only what this project uses is declared; jsr.json checks the same sources against the real types.

declare module "@std/assert" {
  export class AssertionError extends Error {
    constructor(message: string, options?: ErrorOptions);
  }
  export function assert(condition: unknown, message?: string): asserts condition;
  export function assertFalse(condition: unknown, message?: string): void;
  export function assertEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T;
  export function assertNotStrictEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T>;
  export function assertMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertNotMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertStringIncludes(actual: string, expected: string, message?: string): void;
  export function assertArrayIncludes<T>(actual: ArrayLike<T>, expected: ArrayLike<T>, message?: string): void;
  export function assertObjectMatch(
    actual: Record<PropertyKey, unknown>,
    expected: Record<PropertyKey, unknown>,
    message?: string,
  ): void;
  export function assertGreater<T>(actual: T, expected: T, message?: string): void;
  export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
  export function assertLess<T>(actual: T, expected: T, message?: string): void;
  export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void;
  // deno-lint-ignore no-explicit-any
  export function assertInstanceOf<T extends abstract new (...args: any[]) => any>(
    actual: unknown,
    expected: T,
    message?: string,
  ): asserts actual is InstanceType<T>;
  export function assertThrows(fn: () => unknown, message?: string): unknown;
  export function assertThrows<E extends Error = Error>(
    fn: () => unknown,
    // deno-lint-ignore no-explicit-any
    errorClass: abstract new (...args: any[]) => E,
    messageIncludes?: string,
    message?: string,
  ): E;
  export function assertRejects(fn: () => PromiseLike<unknown>, message?: string): Promise<unknown>;
  export function assertRejects<E extends Error = Error>(
    fn: () => PromiseLike<unknown>,
    // deno-lint-ignore no-explicit-any
    errorClass: abstract new (...args: any[]) => E,
    messageIncludes?: string,
    message?: string,
  ): Promise<E>;
  export function fail(message?: string): never;
}

declare module "@std/cli/parse-args" {
  export interface ParseOptions {
    "--"?: boolean;
    alias?: Record<string, string | readonly string[]>;
    boolean?: boolean | string | readonly string[];
    collect?: string | readonly string[];
    default?: Record<string, unknown>;
    negatable?: string | readonly string[];
    stopEarly?: boolean;
    string?: string | readonly string[];
    unknown?: (arg: string, key?: string, value?: unknown) => unknown;
  }
  export function parseArgs(
    args: string[],
    options?: ParseOptions,
  ): { _: (string | number)[]; "--"?: string[]; [key: string]: unknown };
}

declare module "@std/toml/parse" {
  export function parse(tomlString: string): Record<string, unknown>;
}

declare module "@std/yaml/parse" {
  export interface ParseOptions {
    schema?: "core" | "default" | "extended" | "failsafe" | "json";
    allowDuplicateKeys?: boolean;
  }
  export function parse(content: string, options?: ParseOptions): unknown;
  export function parseAll(content: string, options?: ParseOptions): unknown[];
}

declare module "@std/semver" {
  export interface SemVer {
    major: number;
    minor: number;
    patch: number;
    prerelease?: (string | number)[];
    build?: string[];
  }
  export type Range = readonly (readonly unknown[])[];
  export function tryParse(value: string): SemVer | undefined;
  export function parseRange(value: string): Range;
  export function satisfies(version: SemVer, range: Range): boolean;
  export function compare(a: SemVer, b: SemVer): -1 | 0 | 1;
}

declare module "@std/async/delay" {
  export interface DelayOptions {
    signal?: AbortSignal;
    persistent?: boolean;
  }
  export function delay(ms: number, options?: DelayOptions): Promise<void>;
}

declare module "@std/crypto/timing-safe-equal" {
  export function timingSafeEqual(a: ArrayBufferView | ArrayBufferLike, b: ArrayBufferView | ArrayBufferLike): boolean;
}

declare module "@std/encoding/base64" {
  export function encodeBase64(data: ArrayBuffer | Uint8Array | string): string;
  export function decodeBase64(b64: string): Uint8Array<ArrayBuffer>;
}

declare module "@std/encoding/base64url" {
  export function encodeBase64Url(data: ArrayBuffer | Uint8Array | string): string;
  export function decodeBase64Url(b64url: string): Uint8Array<ArrayBuffer>;
}

declare module "@std/encoding/hex" {
  export function encodeHex(src: string | Uint8Array | ArrayBuffer): string;
  export function decodeHex(src: string): Uint8Array<ArrayBuffer>;
}

declare module "@std/streams/to-bytes" {
  export function toBytes(stream: ReadableStream<Uint8Array>): Promise<Uint8Array>;
}
