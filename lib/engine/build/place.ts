/** A layer that is being made: the files below it, as a process sees them that sees nothing else, and what is put among them. */
import type { Layout } from '../../container/index.js'
import { LARGEST, lookUpUsers, usersTexts } from '../../container/users.js'
import { type Kind, readStatx } from '../../image/pack/records.js'
import { unlink } from '../../kernel/calls/files.js'
import { statx } from '../../kernel/calls/reading.js'
import { type Result, StepError } from '../../kernel/result.js'
import type { Shim } from '../../kernel/shim.js'
import { container } from '../../kernel/step.js'
import type { EngineContext } from '../context.js'
import { follow, TROUBLE } from '../inside/archive/look.js'
import { openView } from '../inside/archive/view.js'
import { unpackInto } from '../inside/archive/write.js'

export class Place {
  readonly #shim: Shim
  readonly #context: Pick<EngineContext, 'machine' | 'log'>

  private constructor(shim: Shim, context: Pick<EngineContext, 'machine' | 'log'>) {
    this.#shim = shim
    this.#context = context
  }

  /** `layers`: directories, the top one first. What is changed is in the layout's upper directory. */
  static async open(
    context: Pick<EngineContext, 'newShim' | 'machine' | 'log'>,
    layout: Layout,
    layers: readonly string[],
  ): Promise<Place> {
    const shim = await context.newShim()
    const spec = { image: { name: '', layers }, mounts: [], readOnlyRoot: false }
    try {
      await openView(shim, { spec, layout, pid: undefined, machine: context.machine, written: true })
      return new Place(shim, context)
    } catch (error) {
      await shim.rollback()
      throw error
    }
  }

  /** Where a path leads, every link followed; what is not there is as it is written. */
  follow(path: string): Promise<string> {
    return follow(this.#shim, path)
  }

  /** What is at these paths, in which no link is; undefined where nothing is. */
  async kinds(paths: readonly string[]): Promise<(Kind | undefined)[]> {
    const results = await this.#shim.attempt(paths.map((path) => statx(Buffer.from(path, 'latin1'), { allow: TROUBLE })))
    return results.map((result: Result) => {
      if (result.status === 'failed') throw new StepError(result)
      return result.status === 'ok' ? readStatx(result.outs[0] as Buffer).kind : undefined
    })
  }

  /** An archive, in any compression, into a directory that is there. Links on the way of its paths lead to where they lead here, and no further. */
  unpack(archive: AsyncIterable<Uint8Array>, directory = '/'): Promise<void> {
    return unpackInto(this.#shim, { path: directory, absolute: directory, word: '' }, archive, {
      spec: { mounts: [], readOnlyRoot: false, user: '' },
      machine: this.#context.machine,
      noOverwriteDirNonDir: false,
      copyUidGid: false,
      warn: (sentence) => this.#context.log('warn', `build: ${sentence}`),
    })
  }

  /** Its /etc/passwd and /etc/group; undefined where there is none. */
  async users(): Promise<{ readonly passwd?: string | undefined; readonly group?: string | undefined }> {
    return usersTexts(await this.#shim.run(container(lookUpUsers({ mounts: [] }, LARGEST).steps)))
  }

  async remove(path: string): Promise<void> {
    await this.#shim.run(container([unlink(Buffer.from(path, 'latin1'), { allow: TROUBLE })]))
  }

  close(): Promise<void> {
    return this.#shim.rollback()
  }
}
