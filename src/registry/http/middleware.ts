import type { MiddlewareHandler } from "hono";
import {
  type AccessScope,
  type RegistryAccess,
  type RegistryAction,
  type RegistryCaller,
  repositoryScope,
} from "../access/access.ts";
import { isRepositoryName } from "../content/names.ts";
import type { RegistryEnv } from "./context.ts";
import type { Exchange } from "./exchange.ts";
import { refuse } from "./reply.ts";

/** Middleware of the registry. */
export type Middleware = MiddlewareHandler<RegistryEnv>;

/** Names the route of a request in its record. */
export function named(route: string): Middleware {
  return async (c, next) => {
    c.env.route = route;
    await next();
  };
}

/** Checks permissions that do not depend on the request; with none, the client only has to be signed in. */
export function permission(access: RegistryAccess, needs: readonly AccessScope[], interactive = false): Middleware {
  return async (c, next) => {
    const caller = await admit(access, c.env, { needs, interactive });
    if (caller instanceof Response) return caller;
    await next();
  };
}

/** Checks the name of the repository and the permissions that the method needs there. */
export function repositoryPermission(access: RegistryAccess, options: {
  /** Whether the route belongs to uploads, whose every method needs the permission to push. */
  isUpload: boolean;
  /** Returns the name under which the registry keeps the repository. */
  keptName: (name: string) => string;
}): Middleware {
  const { isUpload, keptName } = options;
  return async (c, next) => {
    const name = c.req.param("name")!;
    if (!isRepositoryName(name)) return nameInvalid(name);
    const { request, url } = c.env;
    const caller = await admit(access, c.env, {
      needs: [repositoryScope(name, ...(isUpload ? PUSH : actionsOf(request.method)))],
      wishes: isUpload ? mountSource(url) : [],
    });
    if (caller instanceof Response) return caller;
    c.set("asked", { exchange: c.env, request, url, name: keptName(name), caller });
    await next();
  };
}

/** Asks the access control to admit a request, and records the user. */
export async function admit(
  access: RegistryAccess,
  exchange: Exchange,
  asked: { needs: readonly AccessScope[]; wishes?: readonly AccessScope[]; interactive?: boolean },
): Promise<RegistryCaller | Response> {
  const { request, url, context: { address } } = exchange;
  const caller = await access.admit({ request, url, address, ...asked });
  if (!(caller instanceof Response)) exchange.user = caller.user;
  return caller;
}

/** A client that pushes reads too: it does not send blobs that are there. */
const PUSH: readonly RegistryAction[] = ["pull", "push"];

function actionsOf(method: string): readonly RegistryAction[] {
  if (method === "GET" || method === "HEAD") return ["pull"];
  return method === "DELETE" ? ["delete"] : PUSH;
}

/** Returns the scope of the repository that a blob is to be mounted from, which the challenge then asks for too. */
function mountSource({ searchParams }: URL): AccessScope[] {
  const from = searchParams.has("mount") ? searchParams.get("from") : null;
  return from !== null && isRepositoryName(from) ? [repositoryScope(from, "pull")] : [];
}

function nameInvalid(name: string): Response {
  return refuse(400, "NAME_INVALID", {
    message: "a repository's name has at most 255 characters: lower-case letters and digits, between them '/', '.', " +
      "'_', '__' or any number of '-'",
    detail: { name: name.slice(0, 300) },
  });
}
