/** Which verbs there are, by their words: the short ones, and those of each group. What each does is loaded when it is called. */
import type { ClientVerb } from './verb.js'

export interface Place {
  readonly text: string
  load(): Promise<ClientVerb>
  /** Other words for the same, which the help does not list. */
  readonly aliases?: readonly string[]
}

export type Shelf = Readonly<Record<string, Place>>

export interface Group {
  readonly text: string
  readonly verbs: Shelf
}

/** What asks no engine, and is no verb of docker's. */
export const HERE = {
  daemon: { text: 'run the engine, for docker’s command line too' },
  tls: { text: 'make certificates for an engine and its clients' },
  view: { text: 'a page with a live picture of the kernel' },
} as const

export const TOP = {
  run: { text: 'make a container and run a program in it', load: async () => (await import('./run.js')).run },
  create: { text: 'make a container, and leave it', load: async () => (await import('./create.js')).create },
  start: { text: 'start containers that were made or have ended', load: async () => (await import('./start.js')).start },
  stop: { text: 'end containers, kindly at first', load: async () => (await import('./stop.js')).stop },
  restart: { text: 'end containers and start them again', load: async () => (await import('./restart.js')).restart },
  kill: { text: 'send containers a signal', load: async () => (await import('./kill.js')).kill },
  rm: { text: 'remove containers', load: async () => (await import('./rm.js')).rm },
  ps: { text: 'list containers', load: async () => (await import('./ps.js')).ps },
  logs: { text: 'what a container has printed', load: async () => (await import('./logs.js')).logs },
  attach: { text: 'go back to a running container', load: async () => (await import('./attach.js')).attach },
  exec: { text: 'run a program in a running container', load: async () => (await import('./exec.js')).exec },
  inspect: { text: 'all about containers, images and so on, as JSON', load: async () => (await import('./inspect.js')).inspect },
  top: { text: 'the processes of a container', load: async () => (await import('./top.js')).top },
  stats: { text: 'what containers use, as it goes', load: async () => (await import('./stats.js')).stats },
  port: { text: 'which ports of the host lead to a container', load: async () => (await import('./port.js')).port },
  rename: { text: 'give a container another name', load: async () => (await import('./rename.js')).rename },
  pause: { text: 'let containers stand still', load: async () => (await import('./pause.js')).pause },
  unpause: { text: 'let containers go on', load: async () => (await import('./unpause.js')).unpause },
  update: { text: 'change the limits of containers', load: async () => (await import('./update.js')).update },
  wait: { text: 'wait until containers have ended', load: async () => (await import('./wait.js')).wait },
  cp: { text: 'copy files into a container, or out of one', load: async () => (await import('./cp.js')).cp },
  diff: { text: 'what a container has changed', load: async () => (await import('./diff.js')).diff },
  commit: { text: 'make an image of a container', load: async () => (await import('./commit.js')).commit },
  export: { text: 'write a container’s files into an archive', load: async () => (await import('./export.js')).exportContainer },
  events: { text: 'what happens in the engine, as it happens', load: async () => (await import('./events.js')).events },
  version: { text: 'which versions the two sides are', load: async () => (await import('./version.js')).version },
  info: { text: 'all about the engine', load: async () => (await import('./info.js')).info },
  images: { text: 'list images', load: async () => (await import('./images.js')).images },
  pull: { text: 'download an image from a registry', load: async () => (await import('./pull.js')).pull },
  push: { text: 'upload an image to a registry', load: async () => (await import('./push.js')).push },
  tag: { text: 'give an image another name', load: async () => (await import('./tag.js')).tag },
  rmi: { text: 'remove images', load: async () => (await import('./rmi.js')).rmi },
  save: { text: 'write images into an archive', load: async () => (await import('./save.js')).save },
  load: { text: 'read images from an archive', load: async () => (await import('./load.js')).load },
  import: { text: 'make an image of a root file system', load: async () => (await import('./import.js')).importImage },
  history: { text: 'how an image was made', load: async () => (await import('./history.js')).history },
  build: { text: 'make an image by a Dockerfile', load: async () => (await import('./build.js')).build },
  search: { text: 'look for images at Docker Hub', load: async () => (await import('./search.js')).search },
  login: { text: 'log in to a registry', load: async () => (await import('./login.js')).login },
  logout: { text: 'log out from a registry', load: async () => (await import('./logout.js')).logout },
  completion: { text: 'a script by which a shell completes words', load: async () => (await import('./completion.js')).completion },
  __complete: { text: '', load: async () => (await import('./complete.js')).complete },
} as const satisfies Shelf

const {
  attach,
  commit,
  cp,
  create,
  diff,
  exec,
  export: exportContainer,
  kill,
  logs,
  pause,
  port,
  rename,
  restart,
  run,
  start,
  stats,
  stop,
  top,
  unpause,
  update,
  wait,
} = TOP
const { build, history, import: importImage, load, pull, push, save, tag } = TOP

const CONTAINER: Shelf = {
  attach,
  commit,
  cp,
  create,
  diff,
  exec,
  export: exportContainer,
  inspect: { text: 'all about containers, as JSON', load: async () => (await import('./inspect.js')).inspectContainers },
  kill,
  logs,
  ls: { ...TOP.ps, aliases: ['list', 'ps'] },
  pause,
  port,
  prune: { text: 'remove all that do not run', load: async () => (await import('./prune.js')).pruneContainers },
  rename,
  restart,
  rm: { ...TOP.rm, aliases: ['remove'] },
  run,
  start,
  stats,
  stop,
  top,
  unpause,
  update,
  wait,
}

const IMAGE: Shelf = {
  build,
  history,
  import: importImage,
  inspect: { text: 'all about images, as JSON', load: async () => (await import('./inspect.js')).inspectImages },
  load,
  ls: { ...TOP.images, aliases: ['list'] },
  prune: { text: 'remove images that are not used', load: async () => (await import('./prune.js')).pruneImages },
  pull,
  push,
  rm: { ...TOP.rmi, aliases: ['remove'] },
  save,
  tag,
}

const NETWORK: Shelf = {
  connect: { text: 'plug a container in', load: async () => (await import('./network-connect.js')).connect },
  create: { text: 'make one', load: async () => (await import('./network-create.js')).createNetwork },
  disconnect: { text: 'unplug a container', load: async () => (await import('./network-connect.js')).disconnect },
  inspect: { text: 'all about networks, as JSON', load: async () => (await import('./inspect.js')).inspectNetworks },
  ls: { text: 'list them', load: async () => (await import('./network-ls.js')).listNetworks, aliases: ['list'] },
  prune: { text: 'remove networks that are not used', load: async () => (await import('./prune.js')).pruneNetworks },
  rm: { text: 'remove some', load: async () => (await import('./network-rm.js')).removeNetworks, aliases: ['remove'] },
}

const VOLUME: Shelf = {
  create: { text: 'make one', load: async () => (await import('./volume-create.js')).createVolume },
  inspect: { text: 'all about volumes, as JSON', load: async () => (await import('./inspect.js')).inspectVolumes },
  ls: { text: 'list them', load: async () => (await import('./volume-ls.js')).listVolumes, aliases: ['list'] },
  prune: { text: 'remove volumes that are not used', load: async () => (await import('./prune.js')).pruneVolumes },
  rm: { text: 'remove some', load: async () => (await import('./volume-rm.js')).removeVolumes, aliases: ['remove'] },
}

const SYSTEM: Shelf = {
  df: { text: 'how much room all takes', load: async () => (await import('./system-df.js')).diskUsage },
  'dial-stdio': { text: 'the engine’s socket by standard input and output', load: async () => (await import('./dial-stdio.js')).dialStdio },
  events: TOP.events,
  info: TOP.info,
  prune: { text: 'remove all that is not used', load: async () => (await import('./system-prune.js')).pruneSystem },
}

export const GROUPS: Readonly<Record<string, Group>> = {
  container: { text: 'verbs about containers', verbs: CONTAINER },
  image: { text: 'verbs about images', verbs: IMAGE },
  network: { text: 'verbs about networks', verbs: NETWORK },
  volume: { text: 'verbs about volumes', verbs: VOLUME },
  system: { text: 'verbs about the engine itself', verbs: SYSTEM },
}
