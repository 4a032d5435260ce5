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
    documents: Object.fromEntries(Object.entries(documents).map(([request, document]) => [unnamed(request), unshown(request, document)])),
  })),
  events: events.map((line) => line.replace(/^(container \S+(?: \S+:)?) [a-z]+_[a-z]+\d*\b/, '$1 <name>')),
})

const unnamed = (line: string): string =>
  line
    .replace(/^( ---> (?:Running in )?|.*(?:Removing intermediate container|Successfully built) )[0-9a-f]{12}$/, '$1<short>')
    .replace(/\/tmp\/drydock-context-\w{6}/g, '<context>')
    .replace(/(\.pivot_root)\d+/, '$1')
    .replace(/\.dockerfile\.[0-9a-f]{20}/g, '.dockerfile.<random>')
    .replaceAll('\u001b[0m\u001b[91m', '')
    // A time in nanoseconds takes a block more than one in seconds.
    .replace(/^(Sending build context to Docker daemon) .*$/s, '$1')

function unshown(request: string, document: unknown): unknown {
  if (!Array.isArray(document)) return document
  if (request.startsWith('POST /build?')) {
    const kept = document.filter((one) => 'aux' in one || 'error' in one)
    return JSON.parse(JSON.stringify(kept).replace(/(\.pivot_root)\d+/g, '$1'))
  }
  return request.startsWith('GET /containers/json') ? document.map((one) => ({ ...one, Names: ['<name>'] })) : document
}
