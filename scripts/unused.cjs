/*
 * In the place of packages that dockerode loads for what we do not ask of it: ssh2 (we have ssh://, by the ssh program with the user's own settings) and
 * gRPC (sessions of BuildKit). They are large, and one of them has a native part.
 */
'use strict'

module.exports = new Proxy(
  {},
  {
    get(_, name) {
      // Who reads a member at load time gets a function that nobody calls.
      return function unused() {
        throw new Error(`${String(name)} is part of a package that this bundle leaves out`)
      }
    },
  },
)
