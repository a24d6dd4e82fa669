// What a controller in a pod does: signs in as its service account, and looks at an image.
import process from "node:process";
import { crane } from "@gcrane/gcrane";
import { k8schain } from "@gcrane/gcrane/authn/k8schain";

const [reference, serviceAccountName] = process.argv.slice(2);
console.log(await crane.digest(reference, { keychain: k8schain({ serviceAccountName, warn: console.error }) }));
