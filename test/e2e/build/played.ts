/** Plays the session on an engine of its own, and takes names that an engine invents out of what was taken down. */
import type { DockerProgram } from '../../support/engines/clients.js'
import type { EngineKind } from '../../support/engines.js'
import { type Act, playOn, type Recording } from '../engine/player.js'
import { SESSION } from './session.js'

export async function played(kind: EngineKind, program: DockerProgram, acts: readonly string[] = Object.keys(SESSION)): Promise<Recording> {
  const recording = await playOn(SESSION, kind, program, acts)
  return Object.fromEntries(Object.entries(recording).map(([name, act]) => [name, named(act)]))
}

/**
 * `container create quirky_hopper image=…`; ids of digits alone; where a context was for a moment. What a program writes comes in as many pieces as it likes, and
 * the lines of a build's stream are on the screen as well: of its documents those are kept that are not.
 */
const named = ({ commands, events, ...act }: Act): Act => ({
  ...act,
  commands: commands.map(({ stdout, stderr, requests, documents, ...command }) => ({
    ...command,
    stdout: stdout.map(unnamed),
    stderr: stderr.map(unnamed),
    requests: requests.map(unnamed),
    documents: Object.fromEntries(
      Object.entries(documents).flatMap(([request, document]) => {
        const kept = unshown(request, document)
        return kept === undefined ? [] : [[unnamed(request), kept]]
      }),
    ),
  })),
  events: mountsInOrder(events.map((line) => line.replace(/^(container \S+(?: \S+:)?) [a-z]+_[a-z]+\d*\b/, '$1 <name>'))),
})

/** Docker's daemon mounts the volumes of one container in the order of a map of Go's, which is another each time. */
function mountsInOrder(events: readonly string[]): string[] {
  const ordered: string[] = []
  let mounts: string[] = []
  for (const line of [...events, '']) {
    if (line.startsWith('volume mount ')) mounts.push(line)
    else {
      ordered.push(...mounts.sort(), line)
      mounts = []
    }
  }
  return ordered.slice(0, -1)
}

const unnamed = (line: string): string =>
  line
    .replace(/^( ---> (?:Running in )?|.*(?:Removing intermediate container|Successfully built) )[0-9a-f]{12}$/, '$1<short>')
    // An id may have no letter.
    .replace(/^\d{12}$/, '<short>')
    // Another map of Go's.
    .replace(/(?<=^\[Warning\] One or more build-args \[).*(?=\])/, (names) => names.split(' ').sort().join(' '))
    .replace(/\/tmp\/drydock-context-\w{6}/g, '<context>')
    .replace(/(\.pivot_root)\d+/, '$1')
    .replace(/\.dockerfile\.[0-9a-f]{20}/g, '.dockerfile.<random>')
    .replaceAll('\u001b[0m\u001b[91m', '')
    // A time in nanoseconds takes a block more than one in seconds.
    .replace(/^(Sending build context to Docker daemon) .*$/s, '$1')

/** How far a pull or a push is one hears as often as it takes, and sizes hang on the times in a layer; what they say at all is held in test/e2e/engine. */
const BY_DEGREES = /^POST \/images\/(create\?fromImage=|.*\/push\?)/

/** Of images that were made within one second either is listed first. */
const byNames = (one: Summary, other: Summary): number => String(one.RepoTags).localeCompare(String(other.RepoTags))

interface Summary {
  readonly RepoTags: readonly string[] | null
}

function unshown(request: string, document: unknown): unknown {
  if (!Array.isArray(document)) return document
  if (BY_DEGREES.test(request)) return undefined
  if (request.startsWith('POST /build?')) {
    const kept = document.filter((one) => 'aux' in one || 'error' in one)
    return JSON.parse(JSON.stringify(kept).replace(/(\.pivot_root)\d+/g, '$1'))
  }
  if (request.startsWith('GET /images/json')) return document.toSorted(byNames)
  return request.startsWith('GET /containers/json') ? document.map((one) => ({ ...one, Names: ['<name>'] })) : document
}
