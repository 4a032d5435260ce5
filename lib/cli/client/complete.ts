/** `drydock __complete KIND`: names for the shell's completion, a line each. Where there is no engine there are none, and none is started. */
import type { Engine } from '../engine/client.js'
import { GoCommand } from '../flags.js'
import { verb } from './verb.js'

type Names = (engine: Engine) => Promise<readonly string[]>

const containers =
  (all: boolean): Names =>
  async (engine) => {
    const found = await engine.docker.listContainers(all ? { all: true } : {})
    return found.flatMap(({ Names }) => Names.map((name) => name.replace(/^\//, '')).filter((name) => !name.includes('/')))
  }

export const KINDS: Readonly<Record<string, Names>> = {
  container: containers(true),
  running: containers(false),
  image: async (engine) => {
    const found = await engine.docker.listImages()
    return found.flatMap(({ RepoTags }) => (RepoTags ?? []).filter((name) => !name.startsWith('<none>')))
  },
  network: async (engine) => (await engine.docker.listNetworks()).map(({ Name }) => Name),
  volume: async (engine) => ((await engine.docker.listVolumes()).Volumes ?? []).map(({ Name }) => Name),
}

export const complete = verb(
  (path) => new GoCommand(path).description('Names for the completion of words.').usage('KIND...').argument('<kind...>'),
  async ({ args, session }) => {
    const engine = await session.running()
    if (!engine) return 0
    const lists = await Promise.all(args.map((kind) => (Object.hasOwn(KINDS, kind) ? (KINDS[kind] as Names)(engine) : [])))
    process.stdout.write(
      [...new Set(lists.flat())]
        .sort()
        .map((name) => `${name}\n`)
        .join(''),
    )
    return 0
  },
)
