import { denoHost, nodeProcess } from "./host.ts";

/**
 * Calls the handler with unhandled errors and rejections instead of ending the program with a stack trace. Returns a
 * function that removes the handler.
 */
export function onUnhandledError(handler: (error: unknown) => void): () => void {
  const process = denoHost() === undefined ? nodeProcess() : undefined;
  return process?.on === undefined ? listenToEvents(handler) : listenToProcess(process, handler);
}

function listenToProcess(host: typeof process, handler: (error: unknown) => void): () => void {
  host.on("unhandledRejection", handler);
  host.on("uncaughtException", handler);
  return () => {
    host.off("unhandledRejection", handler);
    host.off("uncaughtException", handler);
  };
}

function listenToEvents(handler: (error: unknown) => void): () => void {
  const names = ["unhandledrejection", "error"];
  const listener = (event: Event) => {
    event.preventDefault();
    handler("reason" in event ? event.reason : (event as ErrorEvent).error);
  };
  for (const name of names) globalThis.addEventListener?.(name, listener);
  return () => names.forEach((name) => globalThis.removeEventListener?.(name, listener));
}
