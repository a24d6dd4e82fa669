import type { Program } from "./command.ts";
import { globalFlags } from "./global_flags.ts";

/**
 * The commands of gcrane. A command's file is loaded only to run it, and for its help and completion. The imports are
 * literals so that bundlers see them; Deno defers them with `lazy-dynamic-imports`.
 */
export const gcrane: Program = {
  name: "gcrane",
  summary: "Work with container images in registries, tarballs and OCI layouts",
  flags: globalFlags,
  examples: [
    { text: "List the content of a repository", command: "gcrane ls registry.example.com/app" },
    {
      text: "Copy an image to another registry, its digest unchanged",
      command: "gcrane copy registry.example.com/app:v1 mirror.example.com/app:v1",
    },
  ],
  entries: [
    {
      name: "append",
      summary: "Add tarballs or directories to an image as layers",
      load: () => import("./commands/append.ts"),
    },
    {
      name: "auth",
      summary: "Sign in to registries",
      entries: [
        {
          name: "get",
          summary: "Print the credentials for a registry",
          load: () => import("./commands/auth_get.ts"),
        },
        {
          name: "login",
          summary: "Sign in to a registry",
          load: () => import("./commands/auth_login.ts"),
        },
        {
          name: "logout",
          summary: "Remove the credentials for a registry",
          load: () => import("./commands/auth_logout.ts"),
        },
        {
          name: "token",
          summary: "Print a token for a registry",
          load: () => import("./commands/auth_token.ts"),
        },
      ],
    },
    {
      name: "blob",
      summary: "Print a layer or another blob",
      load: () => import("./commands/blob.ts"),
    },
    {
      name: "build",
      summary: "Build an image of a JavaScript app",
      load: () => import("./commands/build.ts"),
    },
    {
      name: "catalog",
      summary: "List the repositories of a registry",
      load: () => import("./commands/catalog.ts"),
    },
    {
      name: "completion",
      summary: "Print a completion script for a shell",
      load: () => import("./commands/completion.ts"),
    },
    {
      name: "config",
      summary: "Print the config of an image",
      load: () => import("./commands/config.ts"),
    },
    {
      name: "copy",
      aliases: ["cp"],
      summary: "Copy an image, a repository, or a whole registry",
      load: () => import("./commands/copy.ts"),
    },
    {
      name: "delete",
      summary: "Delete an image or a tag",
      load: () => import("./commands/delete.ts"),
    },
    {
      name: "diff",
      summary: "Show the differences of two images",
      load: () => import("./commands/diff.ts"),
    },
    {
      name: "digest",
      summary: "Print the digest of an image",
      load: () => import("./commands/digest.ts"),
    },
    {
      name: "du",
      summary: "Show the disk use of an image",
      load: () => import("./commands/du.ts"),
    },
    {
      name: "edit",
      summary: "Edit parts of an image as text",
      entries: [
        {
          name: "config",
          summary: "Edit the config of an image",
          load: () => import("./commands/edit_config.ts"),
        },
        {
          name: "fs",
          summary: "Edit a file of an image",
          load: () => import("./commands/edit_fs.ts"),
        },
        {
          name: "manifest",
          summary: "Edit the manifest of an image or an index",
          load: () => import("./commands/edit_manifest.ts"),
        },
      ],
    },
    {
      name: "export",
      summary: "Write the files of an image as a tarball",
      load: () => import("./commands/export.ts"),
    },
    {
      name: "flatten",
      summary: "Merge an image's layers into one",
      load: () => import("./commands/flatten.ts"),
    },
    {
      name: "gc",
      summary: "Find old tags and unreachable manifests, and delete them on request",
      below: [
        {
          name: "apply",
          summary: "Delete the garbage in a plan of gc",
          load: () => import("./commands/gc_apply.ts"),
        },
      ],
      load: () => import("./commands/gc.ts"),
    },
    {
      name: "help",
      summary: "Show the help of a command",
      load: () => import("./commands/help.ts"),
    },
    {
      name: "index",
      summary: "Work on indexes, which list an image for each platform",
      entries: [
        {
          name: "append",
          summary: "Add images to an index",
          load: () => import("./commands/index_append.ts"),
        },
        {
          name: "filter",
          summary: "Keep the images for some platforms",
          load: () => import("./commands/index_filter.ts"),
        },
        {
          name: "list",
          summary: "List the members of an index",
          load: () => import("./commands/index_list.ts"),
        },
      ],
    },
    {
      name: "layout",
      summary: "Work on OCI layouts",
      entries: [
        {
          name: "gc",
          summary: "Remove unreachable blobs",
          load: () => import("./commands/layout_gc.ts"),
        },
      ],
    },
    {
      name: "ls",
      summary: "List the tags of a repository",
      load: () => import("./commands/ls.ts"),
    },
    {
      name: "manifest",
      summary: "Print the manifest of an image",
      load: () => import("./commands/manifest.ts"),
    },
    {
      name: "mutate",
      summary: "Change an image's config and annotations, or add layers",
      load: () => import("./commands/mutate.ts"),
    },
    {
      name: "pull",
      summary: "Save images as a tarball or an OCI layout",
      load: () => import("./commands/pull.ts"),
    },
    {
      name: "push",
      summary: "Push a tarball or an OCI layout",
      load: () => import("./commands/push.ts"),
    },
    {
      name: "rebase",
      summary: "Move an image to another base",
      load: () => import("./commands/rebase.ts"),
    },
    {
      name: "registry",
      summary: "Run a registry",
      entries: [
        {
          name: "gc",
          summary: "Remove unreferenced content from a registry's store",
          load: () => import("./commands/registry_gc.ts"),
        },
        {
          name: "serve",
          summary: "Serve a registry on this machine",
          load: () => import("./commands/registry_serve.ts"),
        },
      ],
    },
    {
      name: "resolve",
      summary: "Build the apps that Kubernetes YAML names",
      load: () => import("./commands/resolve.ts"),
    },
    {
      name: "sync",
      summary: "Copy the images that a file of regsync or skopeo names",
      load: () => import("./commands/sync.ts"),
    },
    {
      name: "tag",
      summary: "Give an image another tag",
      load: () => import("./commands/tag.ts"),
    },
    {
      name: "tree",
      summary: "Show an image's platforms, layers, signatures and other referrers as a tree",
      load: () => import("./commands/tree.ts"),
    },
    {
      name: "validate",
      summary: "Check that images are complete and consistent",
      load: () => import("./commands/validate.ts"),
    },
    {
      name: "version",
      summary: "Print the version",
      load: () => import("./commands/version.ts"),
    },
  ],
};
