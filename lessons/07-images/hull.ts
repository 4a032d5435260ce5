/** The image that most scenes look at: two layers, in which there is one of everything that a layer can say. */
import { type Image, imageOf } from './image.js'
import { type NewEntry, pack } from './tar.js'

export const REPOSITORY = 'harbour/hull'
export const NAME = `${REPOSITORY}:latest`

/** What the lower layer brings: ordinary files, one of which has two names. */
export const LOWER: readonly NewEntry[] = [
  { path: 'bin', type: 'dir' },
  { path: 'bin/helm', type: 'file', mode: 0o755, content: '#!/bin/sh\necho steady\n' },
  { path: 'bin/wheel', type: 'link', target: 'bin/helm' },
  { path: 'cargo', type: 'dir' },
  { path: 'cargo/coal', type: 'file', content: 'twelve tons\n' },
  { path: 'log', type: 'dir' },
  { path: 'log/1912', type: 'file', content: 'ice ahead\n' },
  { path: 'motd', type: 'file', content: 'Welcome aboard.\n' },
]

/** What the upper one says: a file anew, one that is gone, a directory of which nothing shall be left, and an attribute. */
export const UPPER: readonly NewEntry[] = [
  { path: 'motd', type: 'file', content: 'Mind your head.\n' },
  { path: 'cargo', type: 'dir' },
  { path: 'cargo/.wh.coal', type: 'file' },
  { path: 'log', type: 'dir' },
  { path: 'log/.wh..wh..opq', type: 'file' },
  { path: 'log/today', type: 'file', content: 'calm\n' },
]

/** `mark`: a line that makes the image, and so every digest of it, another one. */
export const hull = (mark = 'first'): Image =>
  imageOf([pack(LOWER), pack([...UPPER, { path: 'mark', type: 'file', content: `${mark}\n` }])], {
    Env: ['PATH=/bin'],
    Cmd: ['/bin/helm'],
    WorkingDir: '/',
  })
