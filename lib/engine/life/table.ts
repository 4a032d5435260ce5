/** All containers of a data root, by id and by name. */
import { DrydockError } from '../../kernel/errors.js'
import type { ContainerTable } from '../context.js'
import type { Container } from './container.js'

export class Table implements ContainerTable {
  readonly #byId = new Map<string, Container>()
  readonly #byName = new Map<string, Container>()
  /** Those that were made with links: few or none. */
  readonly #linking = new Set<Container>()

  add(container: Container): void {
    this.#byId.set(container.id, container)
    this.#byName.set(container.name, container)
    if (container.record.more?.links) this.#linking.add(container)
  }

  remove(container: Container): void {
    this.#byId.delete(container.id)
    this.#linking.delete(container)
    if (this.#byName.get(container.name) === container) this.#byName.delete(container.name)
  }

  /** After its record has another name. */
  renamed(container: Container, before: string): void {
    this.#byName.delete(before)
    this.#byName.set(container.name, container)
  }

  named(name: string): Container | undefined {
    return this.#byName.get(name)
  }

  byId(id: string): Container | undefined {
    return this.#byId.get(id)
  }

  /** Those that are linked to the one with this id. */
  linking(id: string): Container[] {
    return [...this.#linking].filter(({ record }) => record.more?.links?.some(({ of }) => of === id))
  }

  find(word: string): Container {
    if (word === '') throw new DrydockError('No container name or ID supplied', { status: 400 })
    const name = word.replace(/^\//, '')
    const found = this.#byId.get(word) ?? this.#byName.get(name) ?? this.#byLink(name) ?? this.#byPrefix(word)
    if (found) return found
    throw new DrydockError(`No such container: ${word}`, { status: 404 })
  }

  all(): Container[] {
    return [...this.#byId.values()].sort((a, b) => (a.record.created < b.record.created ? 1 : a.record.created > b.record.created ? -1 : 0))
  }

  /** `web/db`: whom the container web knows as db. */
  #byLink(word: string): Container | undefined {
    const [parent = '', alias, more] = word.split('/')
    if (alias === undefined || more !== undefined) return undefined
    const link = this.#byName.get(parent)?.record.more?.links?.find((one) => one.alias === alias)
    return link && this.#byId.get(link.of)
  }

  #byPrefix(word: string): Container | undefined {
    if (!/^[0-9a-f]{1,63}$/.test(word)) return undefined
    const found: Container[] = []
    for (const [id, container] of this.#byId) if (id.startsWith(word)) found.push(container)
    if (found.length > 1) throw new DrydockError(`Multiple IDs found with provided prefix: ${word}`, { status: 400 })
    return found[0]
  }
}
