/**
 * Taking a picture of the kernel's state.
 *
 *     const photographer = new Photographer()
 *     const picture = await photographer.take()
 *     …
 *     await photographer.close()
 *
 * All is read at nearly one moment, and nothing is changed. What goes while one looks is left out; what may not be seen is told once (`host.missing`).
 */
import { performance } from 'node:perf_hooks'
import { type CgroupHierarchy, hierarchiesOf } from '../kernel/proc/cgroup.js'
import { parseMountinfo } from '../kernel/proc/mountinfo.js'
import { textIfReadable } from '../kernel/readable.js'
import { CgroupsSeen } from './cgroups.js'
import { hostView } from './host.js'
import { Instrument } from './instrument.js'
import { LinksSeen } from './links.js'
import { Memo } from './memo.js'
import { Missing } from './missing.js'
import { NamespacesSeen } from './namespaces.js'
import { OverlaysSeen } from './overlays.js'
import { Processes } from './processes.js'
import { Roles } from './roles.js'
import { RulesSeen } from './rules.js'
import { type Inodes, namespacesOf, Scan } from './scan.js'
import { placesOf, Survey } from './survey.js'
import type { Picture } from './types.js'

export interface PictureOptions {
  /** Pids of processes that are drawn whatever they are. */
  readonly focus?: readonly number[]
  /**
   * host (the default): all processes. focus: those of the focus, those below and above them, and what hangs on their namespaces and cgroups; much
   * cheaper where many containers run.
   */
  readonly scope?: 'host' | 'focus'
}

export class Photographer {
  readonly #options: PictureOptions
  readonly #instrument = new Instrument()
  readonly #scan = new Scan()
  readonly #roles = new Roles()
  readonly #processes = new Processes()
  readonly #namespaces = new NamespacesSeen()
  readonly #cgroups = new CgroupsSeen()
  readonly #survey = new Survey()
  readonly #links = new LinksSeen()
  readonly #rules = new RulesSeen()
  readonly #overlays = new OverlaysSeen()
  readonly #hierarchies = new Memo<CgroupHierarchy[]>()
  #last: Promise<unknown> = Promise.resolve()

  /** The options hold for every picture of which nothing else is said. */
  constructor(options: PictureOptions = {}) {
    this.#options = options
  }

  /** One at a time: who asks meanwhile waits. */
  take(options: PictureOptions = {}): Promise<Picture> {
    const picture = this.#last.then(() => this.#take({ ...this.#options, ...options }))
    this.#last = picture.catch(() => undefined)
    return picture
  }

  /** Processes that work for pictures beside this one: what they use is a part of what a picture costs. */
  get pids(): ReadonlySet<number> {
    return this.#instrument.pids
  }

  /** In its turn as well: a picture that is asked for meanwhile is taken with another instrument. */
  close(): Promise<void> {
    const closed = this.#last.then(() => this.#instrument.close())
    this.#last = closed.catch(() => undefined)
    return closed
  }

  async #take({ focus = [], scope = 'host' }: PictureOptions): Promise<Picture> {
    const [at, begun] = [Date.now(), performance.now()]
    const close = scope === 'focus'
    const missing = new Missing()
    const own = namespacesOf('self')
    const reader: Inodes = own === 'forbidden' || own === undefined ? {} : own
    const hierarchies = this.#hierarchiesNow()
    const looking = this.#instrument.pids
    const all = close ? this.#scan.around(focus, looking, missing) : this.#scan.all(new Set(focus), looking, missing)
    const roles = this.#roles.of(all, reader, new Set(focus))
    const processes = this.#processes.view(all, roles)
    const drawn = new Set(Object.values(processes).map(({ pid }) => pid))
    const peopled = await this.#namespaces.view(all, drawn, reader, this.#instrument, missing)
    const cgroups = this.#cgroups.view(hierarchies, processes, !close)
    const places = placesOf(peopled, all, reader)
    const { networks, hostnames } = await this.#survey.of(places, this.#instrument, missing)
    const namespaces = this.#namespaces.named(peopled, hostnames)
    const links = await this.#links.view(places, networks, this.#instrument, missing, close)
    const rules = await this.#rules.view(places, networks, missing, this.#instrument)
    const { overlays, changes } = await this.#overlays.view(peopled, all, reader, this.#instrument, missing, close)
    const tables = { processes, namespaces, cgroups, links, rules, overlays, changes }
    const host = hostView(reader, hierarchies, missing.sentences)
    return { at, took: Math.round((performance.now() - begun) * 100) / 100, host, tables }
  }

  #hierarchiesNow(): CgroupHierarchy[] {
    const mounts = textIfReadable('/proc/self/mountinfo') ?? ''
    const found = this.#hierarchies.of('', mounts, () => hierarchiesOf(parseMountinfo(mounts)))
    this.#hierarchies.turn()
    return found
  }
}
