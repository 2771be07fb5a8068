// Which file a name stands for, as a bundler for browsers decides it: Node would take builds that
// know no window.
const BUILDS = {
  "socket.io-client": new URL("node_modules/socket.io-client/dist/socket.io.esm.min.js", import.meta.url),
};

export function resolve(name, context, next) {
  return name in BUILDS
    ? { url: BUILDS[name].href, format: "module", shortCircuit: true }
    : next(name, context);
}
