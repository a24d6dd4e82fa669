// The part of this room that only the other rooms of the package use: it is not exported from the package.

export { isEmptyAuth } from "./auth_config.ts";
export { authFromHelper, authToHelper } from "./credential_helper.ts";
