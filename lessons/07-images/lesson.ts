/** Lesson 7: hashed tarballs and some JSON. The words are in README.md; each heading there has its scene here. */
import { lesson } from '../../lib/tutor/lesson.js'
import { USERLAND } from '../../lib/tutor/needs.js'
import { exercises } from './exercises.js'
import { alreadyThere } from './scenes/already.js'
import { askForIt, token } from './scenes/ask.js'
import { evil } from './scenes/evil.js'
import { foreign } from './scenes/foreign.js'
import { layer } from './scenes/layer.js'
import { own, tags } from './scenes/own.js'
import { sums } from './scenes/sums.js'
import { words } from './scenes/words.js'

const REGISTRY = ['command:docker-registry'] as const

export default lesson({
  number: 7,
  name: 'images',
  title: 'Hashed tarballs and some JSON',
  directory: new URL('./', import.meta.url),
  needs: ['bottle'],
  scenes: [
    { heading: 'What is pulled' },
    { heading: 'Three questions', needs: REGISTRY, play: askForIt },
    { heading: 'May I?', needs: REGISTRY, play: token },
    { heading: 'A name that is a sum', needs: REGISTRY, play: sums },
    { heading: 'A layer', needs: [...REGISTRY, 'overlay'], exercises: ['layer'], play: layer },
    { heading: 'An archive that wants to get out', needs: ['kernel:5.6'], exercises: ['inside'], play: evil },
    { heading: 'Already exists', needs: REGISTRY, exercises: ['pull'], play: alreadyThere },
    { heading: 'One of your own', needs: REGISTRY, exercises: ['push'], play: own },
    { heading: 'Yesterday’s latest', needs: REGISTRY, play: tags },
    { heading: 'Another distribution', needs: [...REGISTRY, 'overlay', 'command:tar', 'command:gzip', USERLAND], play: foreign },
    { heading: 'What Docker calls it', needs: [...REGISTRY, 'overlay'], play: words },
  ],
  exercises,
})
