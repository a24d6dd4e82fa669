// Everything that the server imports is in its bundle, so that it needs no node_modules.
export default { ssr: { noExternal: true } };
