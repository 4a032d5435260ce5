/** `drydock image`: the verbs about images, by their longer names. What each does is loaded when it is called. */
import { type Action, type Run, runGroup } from './group.js'

export const IMAGE_VERBS = {
  pull: { text: 'download an image from a registry', run: (argv) => import('./pull.js').then(({ pull }) => pull(argv)) },
  push: { text: 'upload an image to a registry', run: (argv) => import('./push.js').then(({ push }) => push(argv)) },
  images: { text: 'list images', run: (argv) => import('./images.js').then(({ images }) => images(argv)) },
  rmi: { text: 'remove images', run: (argv) => import('./rmi.js').then(({ rmi }) => rmi(argv)) },
  tag: { text: 'give an image another name', run: (argv) => import('./tag.js').then(({ tag }) => tag(argv)) },
  history: { text: 'show how an image was made', run: (argv) => import('./history.js').then(({ history }) => history(argv)) },
  save: { text: 'write images into an archive', run: (argv) => import('./save.js').then(({ save }) => save(argv)) },
  load: { text: 'read images from an archive', run: (argv) => import('./load.js').then(({ load }) => load(argv)) },
  import: { text: 'make an image of a root file system', run: (argv) => import('./import.js').then((module) => module.importTree(argv)) },
} as const satisfies Readonly<Record<string, Action>>

const inspect: Run = (argv) => import('./inspect.js').then(({ inspectImages }) => inspectImages(argv))
const prune: Run = (argv) => import('./image-prune.js').then(({ imagePrune }) => imagePrune(argv))

const { images, rmi, ...same } = IMAGE_VERBS
const ACTIONS: Readonly<Record<string, Action>> = {
  ls: { ...images, aliases: ['list'] },
  rm: { ...rmi, aliases: ['remove'] },
  ...same,
  inspect: { text: 'all about images, as JSON', run: inspect },
  prune: { text: 'remove images that are not used', run: prune },
}

export const image: Run = (argv) => runGroup('image', ACTIONS, argv)
