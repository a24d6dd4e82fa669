// Node.js imports this before the tests. Its test runner follows each promise, in order to name the test that an error
// after its end came from, and tests with many promises take several times as long. Without that, such an error fails
// the file. The first hook is that of the test runner, which also finds with it the suite that a test belongs to.
import hooks from "node:async_hooks";

const { createHook } = hooks;
hooks.createHook = (callbacks) => {
  hooks.createHook = createHook;
  return createHook({ ...callbacks, trackPromises: false } as typeof callbacks);
};
