/*
 * In the place of packages that dockerode loads at once and drydock has no use for: gRPC, protobuf and uuid are for builds by BuildKit, tar-fs and
 * dockerignore for the files of a build, ssh2 for ssh:// addresses, which go by the program ssh here (lib/cli/engine/ssh.ts), https for TLS, which is agreed
 * on by the agent (dial.ts), and debug for who debugs docker-modem. They are most of dockerode's size and of the time that it takes to load. It can be
 * called, as debug is, and does nothing. Plain JavaScript that Node 16 can parse.
 */
'use strict'

module.exports = () => () => undefined
