/**
 * What happens inside a container that runs, and what is read of one, running or not:
 *
 *     execs.ts      further programs in it; exec-table.ts all of them; exec.ts exec-record.ts exec-request.ts exec-stream.ts are parts of one
 *     probe.ts      one of them that says whether the container is well
 *     logs.ts       what it printed; log-files.ts log-lines.ts
 *     top.ts ps.ts  its processes
 *     stats.ts      what it uses; usage.ts
 *     changes.ts    what it has changed, and all of its files
 *     archive/      docker cp
 *     pulled.ts     a stream that can be given up at any time
 */
import type { EngineContext } from '../context.js'
import type { InsideMembers } from '../life/index.js'
import type { ContainersNoun } from '../types.js'
import { read, stat, write } from './archive/index.js'
import { changes, exportTree } from './changes.js'
import { logs } from './logs.js'
import { stats } from './stats.js'
import { top } from './top.js'

export { Execs } from './execs.js'

export const insideOf = (context: EngineContext): Pick<ContainersNoun, InsideMembers> => ({
  top: (word, psArguments) => top(context, word, psArguments),
  stats: (word, options) => stats(context, word, options),
  logs: (word, options) => logs(context, word, options),
  changes: (word) => changes(context, word),
  export: (word) => exportTree(context, word),
  stat: (word, path) => stat(context, word, path),
  read: (word, path) => read(context, word, path),
  write: (word, path, archive, options) => write(context, word, path, archive, options),
})
