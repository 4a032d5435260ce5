/** Dockerfiles and .dockerignore, as text: parse.ts tells how. */
export type { Arg, ChangeCommand, Command, CommandLine, CommandOf, Copying, Dockerfile, Healthcheck, Stage } from './commands.js'
export { expand, expandWords, type Variables, variablesOf } from './expand.js'
export { Glob } from './glob.js'
export { Ignore, readIgnore } from './ignore.js'
export { wrong } from './lines.js'
export { parseChanges, parseDockerfile, parseTrigger } from './parse.js'
export { exposedPorts } from './ports.js'
