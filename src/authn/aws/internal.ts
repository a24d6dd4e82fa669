// The part of this folder that other rooms of the package use: it is not exported from the package.

export { awsKeys } from "./keys.ts";
