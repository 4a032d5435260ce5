/**
 * A rack: one user namespace for several bottles of an ordinary user, and a spawner in it. A cable between two network namespaces can be made
 * only by who has rights in both (rtnetlink asks for CAP_NET_ADMIN on either side), and two bottles with a user namespace each have nobody
 * like that: their first processes have rights in their own, and who made them may not enter one namespace without the other.
 *
 *     ordinary user ── shim ── clone3(user) ── spawner, root in the rack's user namespace
 *                                               ├─ shim ── clone3(mnt, pid, uts, ipc, net) ── a bottle
 *                                               ├─ shim ── clone3(mnt, pid, uts, ipc, net) ── another
 *                                               └─ shim: makes the cable between the two
 *
 * Nothing but ids is different in it: files, processes and network are those of the host. user_namespaces(7).
 */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { set_pdeathsig } from '../kernel/calls/credentials.js'
import { dup3, open, unlink } from '../kernel/calls/files.js'
import { clone3, execveat } from '../kernel/calls/process.js'
import { bind_unix, listen, socket } from '../kernel/calls/sockets.js'
import { SHIM_PATH } from '../kernel/constants.js'
import { DrydockError } from '../kernel/errors.js'
import { runDirectory } from '../kernel/places.js'
import { Shim } from '../kernel/shim.js'
import { host, ref } from '../kernel/step.js'
import { type IdmapPlan, idmap, planIdmap } from '../primitives/idmap.js'
import { runHelpers } from '../primitives/idmap-helpers.js'
import { LISTENER } from './outside.js'

export class Rack {
  readonly idmap: IdmapPlan
  readonly #outer: Shim
  readonly #socket: string

  private constructor(idmap: IdmapPlan, outer: Shim, socket: string) {
    this.idmap = idmap
    this.#outer = outer
    this.#socket = socket
  }

  /** Make one with a shim of the host's, which it keeps. Fails with a sentence that says what this machine does not allow. */
  static async open(outer: Shim): Promise<Rack> {
    const map = planIdmap()
    if (map.problem) throw new DrydockError(`a rack of bottles cannot be made: ${map.problem}`)
    const path = join(runDirectory(), `spawner-${process.pid}-${randomBytes(3).readUIntBE(0, 3)}.sock`)
    try {
      await outer.run([
        ...host([
          socket('unix', 'stream', 0, { keep: 'listener' }),
          bind_unix(ref('listener'), path, { undo: [unlink(path)] }),
          listen(ref('listener'), 512),
          open(SHIM_PATH, ['path'], { keep: 'shim' }),
        ]),
        clone3(['user'], { why: 'in it this user is root, over all namespaces that are made from inside' }),
      ])
      const inPhase = (phase: string) => idmap(map).steps.filter((step) => step.phase === phase)
      await outer.run(inPhase('admit'))
      await runHelpers(map, outer.childPid as number, 'the rack')
      await outer.run([
        ...inPhase('become'),
        set_pdeathsig('kill', { why: 'when the shim outside is killed, the spawner goes too' }),
        dup3(ref('listener'), LISTENER, { why: 'the socket goes along into the new program' }),
        execveat(ref('shim'), ['shim', '--spawner-fd', String(LISTENER)]),
      ])
    } catch (error) {
      await outer.rollback()
      throw error
    }
    // Nobody waits for it, but its end must not look like a crash of ours.
    outer.on('ended', () => undefined)
    return new Rack(map, outer, path)
  }

  /** A fresh shim in the rack. It outlives the rack until its client lets go. */
  shim(): Promise<Shim> {
    return Shim.connect(this.#socket)
  }

  /** End the spawner. Bottles that are open stay until they are closed. */
  async close(): Promise<void> {
    await this.#outer.rollback()
    // A shim that was killed has undone nothing.
    rmSync(this.#socket, { force: true })
  }
}
