/**
 * The default retries of failed requests in a run of hours. Quotas of registries cover one or ten minutes, so it waits
 * for nine minutes in total, and for up to ten if the registry asks for it. A registry that restarts, or a network that
 * is down for a while, does not end it. After a request that this did not help, the next ones have the usual attempts
 * until one has an answer.
 */
export const PATIENCE = { attempts: 8, delayMs: 500, maxDelayMs: 600_000 };
