// Prints the digest of an image of the app in a folder.
import process from "node:process";
import { buildImage, directoryFiles } from "../../../src/build/mod.ts";
import { baseFor } from "../../make/built_apps.ts";

const base = baseFor("linux/amd64", "linux/arm64");
const { view } = await buildImage({ files: await directoryFiles(process.argv[2]), base });
console.log(await view.digest());
