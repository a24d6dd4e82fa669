// The part of this room that only the other rooms of the package use: it is not exported from the package.

export { parsePrefixes } from "./gc/digest_prefixes.ts";
export { openAccess } from "./access/access.ts";
export { checkOrigins } from "./http/cross_origin.ts";
export { checkSigningKey, generateSigningKey } from "./access/token_keys.ts";
