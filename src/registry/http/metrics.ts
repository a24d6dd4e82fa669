import type { RequestRecord } from "./exchange.ts";
import type { StoreUsage } from "../stores/store.ts";
import { replyBytes } from "./reply.ts";

/** Upper bounds of the histogram of durations, in seconds. */
const BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300];

interface Histogram {
  readonly counts: number[];
  sum: number;
  total: number;
}

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);

/** Counts requests and shows the numbers as Prometheus reads them (text format 0.0.4). */
export class Metrics {
  readonly #requests: Map<string, number> = new Map();
  readonly #durations: Map<string, Histogram> = new Map();
  readonly #cache: Map<string, number> = new Map();
  #inFlight = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #cut = 0;
  #failures = 0;

  /** Counts a request that has come. */
  begin(): void {
    this.#inFlight++;
  }

  /** Counts a request that is over. */
  end({ method, route, status, bytesIn, bytesOut, ms, cache, cut }: RequestRecord): void {
    this.#inFlight--;
    this.#bytesIn += bytesIn;
    this.#bytesOut += bytesOut;
    if (cut) this.#cut++;
    const verb = METHODS.has(method) ? method : "other";
    add(this.#requests, `method="${verb}",route="${route}",status="${status}"`);
    if (cache) add(this.#cache, `outcome="${cache}"`);
    this.#observe(`method="${verb}",route="${route}"`, ms / 1000);
  }

  /** Counts a failure of the registry. */
  countFailure(): void {
    this.#failures++;
  }

  /** Answers with the numbers, and those of the store if they are known. */
  answer(usage: StoreUsage | undefined): Response {
    const bytes = new TextEncoder().encode(this.#text(usage));
    return replyBytes(bytes, { type: "text/plain; version=0.0.4; charset=utf-8", size: bytes.length });
  }

  #observe(labels: string, seconds: number): void {
    let histogram = this.#durations.get(labels);
    if (!histogram) this.#durations.set(labels, histogram = { counts: BOUNDS.map(() => 0), sum: 0, total: 0 });
    histogram.sum += seconds;
    histogram.total++;
    for (const [index, bound] of BOUNDS.entries()) if (seconds <= bound) histogram.counts[index]++;
  }

  #text(usage: StoreUsage | undefined): string {
    return [
      ...metric("requests_total", "counter", "Requests that are over.", [...this.#requests]),
      ...metric("requests_in_flight", "gauge", "Requests that are being answered.", [["", this.#inFlight]]),
      ...metric("received_bytes_total", "counter", "Bytes of the bodies of requests.", [["", this.#bytesIn]]),
      ...metric("sent_bytes_total", "counter", "Bytes of the bodies of answers.", [["", this.#bytesOut]]),
      ...metric("answers_cut_total", "counter", "Responses that were cut off.", [["", this.#cut]]),
      ...metric("failures_total", "counter", "Failures of the registry or its store.", [
        ["", this.#failures],
      ]),
      ...metric("cache_answers_total", "counter", "Answers of the pull-through cache.", [...this.#cache]),
      ...usage === undefined ? [] : [
        ...metric("stored_blobs", "gauge", "Blobs in the store at the last count.", [["", usage.blobs]]),
        ...metric("stored_bytes", "gauge", "Bytes of the blobs in the store at the last count.", [["", usage.bytes]]),
      ],
      ...this.#histogramLines(),
      "",
    ].join("\n");
  }

  #histogramLines(): string[] {
    const name = "gcrane_registry_request_duration_seconds";
    const lines = [`# HELP ${name} Time until the last byte of the answer.`, `# TYPE ${name} histogram`];
    for (const [labels, { counts, sum, total }] of this.#durations) {
      for (const [index, bound] of BOUNDS.entries()) {
        lines.push(`${name}_bucket{${labels},le="${bound}"} ${counts[index]}`);
      }
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${total}`);
      lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${total}`);
    }
    return lines;
  }
}

function add(counts: Map<string, number>, labels: string): void {
  counts.set(labels, (counts.get(labels) ?? 0) + 1);
}

function metric(name: string, type: string, help: string, values: readonly (readonly [string, number])[]): string[] {
  const full = `gcrane_registry_${name}`;
  return [
    `# HELP ${full} ${help}`,
    `# TYPE ${full} ${type}`,
    ...values.map(([labels, value]) => `${full}${labels && `{${labels}}`} ${value}`),
  ];
}
