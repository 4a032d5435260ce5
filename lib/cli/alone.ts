/** The verbs that need no engine: they work on the data root themselves. Each is loaded when it is called. */
import type { Action } from './group.js'
import { IMAGE_VERBS, image } from './image.js'

export const ALONE: Readonly<Record<string, Action>> = {
  run: { text: 'make a container and run a program in it', run: (argv) => import('./run.js').then(({ run }) => run(argv)) },
  ps: { text: 'list containers', run: (argv) => import('./ps.js').then(({ ps }) => ps(argv)) },
  attach: { text: 'go back to a running container', run: (argv) => import('./attach.js').then(({ attach }) => attach(argv)) },
  rm: { text: 'remove containers', run: (argv) => import('./rm.js').then(({ rm }) => rm(argv)) },
  diff: { text: 'what a container has changed', run: (argv) => import('./diff.js').then(({ diff }) => diff(argv)) },
  commit: { text: 'make an image of a container', run: (argv) => import('./commit.js').then(({ commit }) => commit(argv)) },
  export: {
    text: 'write a container’s files into an archive',
    run: (argv) => import('./export.js').then((module) => module.exportTree(argv)),
  },
  inspect: {
    text: 'all about containers, images and so on, as JSON',
    run: (argv) => import('./inspect.js').then(({ inspect }) => inspect(argv)),
  },
  ...IMAGE_VERBS,
  image: { text: 'the same by longer names; inspect, prune', run: image },
  login: { text: 'log in to a registry', run: (argv) => import('./login.js').then(({ login }) => login(argv)) },
  logout: { text: 'log out from a registry', run: (argv) => import('./logout.js').then(({ logout }) => logout(argv)) },
  network: {
    text: 'create, list, inspect and remove networks',
    run: (argv) => import('./network.js').then(({ network }) => network(argv)),
  },
  tls: { text: 'make certificates for an engine and its clients', run: (argv) => import('./tls.js').then((module) => module.tls(argv)) },
  view: { text: 'a page with a live picture of the kernel', run: (argv) => import('./view-page.js').then((module) => module.view(argv)) },
  daemon: {
    text: 'run the engine, for docker’s command line too',
    run: (argv) => import('./daemon.js').then((module) => module.daemon(argv)),
  },
}

/** Run one of them; undefined when there is none of that name. */
export function runAlone(name: string, argv: readonly string[]): Promise<number> | undefined {
  return Object.hasOwn(ALONE, name) ? ALONE[name]?.run(argv) : undefined
}
