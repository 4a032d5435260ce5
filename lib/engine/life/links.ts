/** Links (links.ts of the engine) while containers live: one is started again, is told of, is taken away. */
import { writeFileSync } from 'node:fs'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { DEFAULT_NETWORK } from '../../network/config.js'
import type { Core } from '../core.js'
import { hostsLine } from '../links.js'
import { textWritten } from '../network/files.js'
import type { Container } from './container.js'

/** It was started, and may be at another address than before: whoever is linked to it and runs is told. */
export function tellLinked(core: Core, started: Container): void {
  const address = started.endpoints[DEFAULT_NETWORK]?.address
  if (address === undefined) return
  for (const container of core.containers.linking(started.id)) {
    if (!container.running || !container.endpoints[DEFAULT_NETWORK]) continue
    const lines = (container.record.more?.links ?? [])
      .filter(({ of }) => of === started.id)
      .map((link) => hostsLine(link, started, address))
    try {
      replaceLines(container.layout.hosts, lines)
    } catch (error) {
      core.log('warn', `${container.name}: its /etc/hosts does not tell where ${started.name} is now: ${sentenceOf(error)}`)
    }
  }
}

/** In the place of lines with the same names. */
function replaceLines(path: string, lines: readonly string[]): void {
  const byNames = new Map(lines.map((line) => [line.slice(line.indexOf('\t') + 1), line]))
  const before = textWritten(path)
  const after = before
    .split('\n')
    .map((line) => byNames.get(line.slice(line.indexOf('\t') + 1)) ?? line)
    .join('\n')
  if (after !== before) writeFileSync(path, after)
}

/** As HostConfig.Links tells them; null when there is none. */
export function toldLinks(core: Core, { name, record: { more } }: Container): string[] | null {
  const links = more?.links ?? []
  if (links.length === 0) return null
  return links.map((link) => `/${core.containers.byId(link.of)?.name ?? link.name}:/${name}/${link.alias}`)
}

/** What else it is called, by those that are linked to it: `/web/db`. */
export const linkedNames = (core: Core, { id }: Container): string[] =>
  core.containers
    .linking(id)
    .flatMap(({ name, record }) => (record.more?.links ?? []).filter(({ of }) => of === id).map(({ alias }) => `/${name}/${alias}`))
    .sort()

/** `docker rm --link web/db`: what has been told stays told. */
export async function removeLink({ containers }: Core, word: string): Promise<void> {
  const [parent = '', alias, further] = word.replace(/^\//, '').split('/')
  const none = new DrydockError(`No such container: ${word}`, { status: 404 })
  const container = containers.named(parent)
  if (!container || further !== undefined) throw none
  if (alias === undefined) throw new DrydockError('Conflict, cannot remove the default link name of the container', { status: 409 })
  await container.exclusively(async () => {
    const { more } = container.record
    const links = more?.links?.filter((link) => link.alias !== alias)
    if (!more?.links || !links || links.length === more.links.length) throw none
    const { links: _, ...rest } = more
    container.revise({ ...container.record, more: { ...rest, ...(links.length > 0 && { links }) } })
  })
}
