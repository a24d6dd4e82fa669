import { refuse, replyJson } from "./reply.ts";
import type { RegistryStore } from "../stores/store.ts";

/** Says whether the registry can work: whether its store answers. */
export async function answerHealth(
  store: RegistryStore,
  options: { signal: AbortSignal; onError: (error: unknown) => void },
): Promise<Response> {
  const { signal, onError } = options;
  try {
    await store.records.get("health/probe", { signal });
    return replyJson({ status: "ok" }, { headers: { "Cache-Control": "no-store" } });
  } catch (error) {
    if (!signal.aborted) onError(error);
    return refuse(503, "UNKNOWN", { message: "the store does not answer; the log says why" });
  }
}
