// The part of this room that only the other rooms of the package use: it is not exported from the package.

export { fullName } from "./parse.ts";
