/**
 * Your part of lesson 2. Each function returns a list of steps; the tutor runs them in a bottle of their own whenever you save this
 * file, and looks in the kernel for what they have brought about. Names and numbers are new at every try and come as the argument.
 *
 * A number into a file, for whoever's turn it is (the shim's before `clone`, the child's after it):
 *
 *     open(`${tree}/${name}/some.file`, ['wronly'], { keep: 'file' }), write(ref('file'), '42'), close(ref('file'))
 *
 * `tree` is where groups are made, and `version` (1 or 2) says which names the files there have.
 */
import { clone, mkdir, type Step } from '../../lib/index.js'

interface Place {
  tree: string
  version: 1 | 2
  name: string
}

/**
 * A group `name` whose memory is limited to `bytes`, with a process in it.
 *
 * Here is a group, and a process. They have nothing to do with each other.
 */
export function smallMemory({ tree, version, name, bytes }: Place & { bytes: number }): Step[] {
  console.log(`the limit: ${bytes} bytes; the tree is of version ${version}`)
  return [mkdir(`${tree}/${name}`), clone('pid')]
}

/**
 * A group `name` that gets at most `percent` percent of one processor, with a process in it.
 */
export function slow({ tree, version, name, percent }: Place & { percent: number }): Step[] {
  console.log(`the share: ${percent} %; the tree is of version ${version}`)
  return [mkdir(`${tree}/${name}`), clone('pid')]
}

/**
 * A group `name` with room for `most` processes. In it, as process 1 of a pid namespace of its own, `/bin/sh -c script`, which tries
 * to start more.
 */
export function fewProcesses({ tree, name, most, script }: Place & { most: number; script: string }): Step[] {
  console.log(`room for: ${most}; the script: ${script}`)
  return [mkdir(`${tree}/${name}`), clone('pid')]
}

/**
 * In the group `name` a process runs already. Make it stand still, alive.
 */
export function stop({ tree, version, name }: Place): Step[] {
  console.log(`the group: ${tree}/${name}, of version ${version}`)
  return []
}
