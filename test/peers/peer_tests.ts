import { describe, it } from "node:test";
import process from "node:process";
import { available, type Peer } from "./available.ts";

/** Settings of one test. */
export interface PeerTestOptions extends PeerSuiteOptions {
  /** The longest that it may take, in milliseconds. */
  timeout?: number;
}

/** Settings of a suite. */
export interface PeerSuiteOptions {
  /** The reason to skip it. */
  skip?: string | false;
}

/**
 * A suite with other programs. If one is missing, the suite is one skipped test with the reason, and a failed test in
 * CI, which must install it.
 */
export function describePeer(
  name: string,
  peers: readonly Peer[],
  tests: () => void,
  options: PeerSuiteOptions = {},
): void {
  if (noneAbsent(name, peers)) describe(name, options, tests);
}

/** A test that works with other programs; see {@linkcode describePeer}. */
export function peerIt(
  name: string,
  peers: readonly Peer[],
  test: () => void | Promise<void>,
  options: PeerTestOptions = {},
): void {
  if (noneAbsent(name, peers)) it(name, options, test);
}

function noneAbsent(name: string, peers: readonly Peer[]): boolean {
  const absent = peers.filter((peer) => !available(peer));
  if (absent.length === 0) return true;
  const title = `${name} [peer absent: ${absent.join(", ")}]`;
  if (process.env.CI) {
    it(title, () => {
      throw new Error(`not tested for want of ${absent.join(" and ")}, which .ci/run has to install`);
    });
  } else {
    it(title, { skip: true }, () => {});
  }
  return false;
}
