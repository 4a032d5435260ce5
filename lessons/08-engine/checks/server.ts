/** The exercise “server”: somebody who may connects and asks, somebody who may not tries to. */
import { mkdirSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bottle } from '../../../lib/bottle.js'
import {
  clone,
  close,
  connect_unix,
  container,
  read,
  ref,
  type Step,
  setgroups,
  setresgid,
  setresuid,
  setsockopt_rcvtimeo,
  socket,
  write,
} from '../../../lib/index.js'
import { errnoOf } from '../../../lib/kernel/constants.js'
import { type Result, textOf } from '../../../lib/kernel/result.js'
import type { Shim } from '../../../lib/kernel/shim.js'
import type { Setting, Trial } from '../../../lib/tutor/lesson.js'
import { statOf } from '../../04-rootfs/looks.js'
import { parseAnswer } from '../http.js'

/** A server that has been asked answers at once; so many milliseconds are for a slow machine. */
const PATIENCE = 4000
/** And so many until the file of one that listens has got its mode, from the first refusal on. */
const UNTIL_ALLOWED = 2000
const BETWEEN_KNOCKS = 20
const SOCKET = ref('socket')
/** As many reads as a patient client makes for a short answer. */
const READS = 8

/** `group`: one that a file can be given to here. With a single id in the bottle that is root's alone. */
export const serverSetting = async (bottle: Bottle, challenge: Trial['challenge']): Promise<Setting> => ({
  given: { group: hasOneId(bottle) ? 0 : (challenge.group as number) },
  close: async () => undefined,
})

const hasOneId = ({ idmap }: Bottle) => idmap?.method === 'single'

/** The other side has closed: with the question unread, or before it was sent, of which a process dies (SIGPIPE) that is not prepared for it. */
const CLOSED = ['ECONNRESET', 'EPIPE', 'ECHILD']

interface Challenge {
  readonly path: string
  readonly group: number
  readonly asked: string
  readonly text: string
  readonly log: string
}

export async function checkServer(trial: Trial): Promise<void> {
  const { bottle } = trial
  const challenge = trial.challenge as unknown as Challenge
  const { path, group, log } = challenge
  mkdirSync(bottle.hostPath(log))
  const member = await Caller.of(bottle, group, path)
  const stranger = hasOneId(bottle) ? undefined : await Caller.of(bottle, group + 1, path)
  let over = false
  const running = trial.run().finally(() => {
    over = true
  })
  running.catch(() => undefined)
  const met = await knock(
    () => over,
    () => statOf(bottle.hostPath(path)),
    member,
    stranger,
  )
  if (met.stranger !== undefined) {
    const saw = met.stranger === 'ok' ? 'connected' : `got ${met.stranger}`
    trial.expect(met.stranger === 'EACCES', `a user who is not in group ${group} tried to connect and ${saw}; EACCES was to be expected`, 2)
  }
  if (met.member === 'ok') {
    const mode = (met.stat?.mode ?? 0) & 0o777
    trial.expect(mode === 0o660, `${path} has the mode 0${mode.toString(8)}`, 2)
    const owner = bottle.rootless ? undefined : met.stat?.gid
    if (owner !== undefined) trial.expect(owner === group, `${path} belonged to group ${owner}, not to ${group}`, 2)
    await conversation(trial, member, challenge)
  } else if (met.stranger !== 'ok') {
    trial.expect(false, `a member of group ${group} tried to connect to ${path} and got ${met.member}`, met.member === 'EACCES' ? 2 : 1)
  }
  if (!over && met.member !== 'ok') {
    // The one caller that it waits for: the stranger whom it has let in, or root, who may always.
    if (met.stranger === 'ok') await stranger?.ask(FAREWELL)
    else await letGo(bottle, path)
    await running.catch(() => undefined)
  } else await running
}

const FAREWELL = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

async function letGo(bottle: Bottle, path: string): Promise<void> {
  const shim = await bottle.shim()
  await shim.attempt([
    socket('unix', 'stream', 0, { keep: SOCKET.ref }),
    setsockopt_rcvtimeo(SOCKET, PATIENCE),
    connect_unix(SOCKET, path),
    write(SOCKET, FAREWELL),
    read(SOCKET, 4096),
  ])
}

async function conversation(trial: Trial, member: Caller, { asked, text, log }: Challenge): Promise<void> {
  const answer = await member.ask(`GET /${asked} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  if ('errno' in answer) {
    const reset = CLOSED.includes(answer.errno)
    const saw = reset
      ? 'the connection was closed before the question had been read'
      : `the client waited for an answer and got ${answer.errno}`
    trial.expect(false, saw, reset ? 3 : 4)
  } else {
    const { status, body } = parseAnswer(answer.text)
    trial.expect(
      status === 200,
      `what the client was answered is not HTTP with the status 200: ${JSON.stringify(answer.text.slice(0, 60))}`,
      4,
    )
    trial.expect(body === text, `the body of the answer is ${JSON.stringify(body?.slice(0, 40) ?? null)}, not “${text}”`, 4)
  }
  const noted = readdirSync(trial.bottle.hostPath(log))
  const found = noted.length === 0 ? 'nothing' : noted.join(', ')
  trial.expect(
    noted.length === 1 && noted[0] === String(member.pid),
    `${log} has ${found} in it; it was process ${member.pid} that connected`,
    5,
  )
}

interface Met {
  readonly member: string
  readonly stranger: string | undefined
  readonly stat: ReturnType<typeof statOf>
}

/** Until the one who may is let in, the one who may not is, or there is nothing more to wait for. */
async function knock(over: () => boolean, look: () => Met['stat'], member: Caller, stranger: Caller | undefined): Promise<Met> {
  let met: Met = { member: 'ENOENT', stranger: undefined, stat: undefined }
  for (let until = Date.now() + PATIENCE; Date.now() < until && !over(); await sleep(BETWEEN_KNOCKS)) {
    if (!look()) continue
    const refused = await stranger?.connect()
    const before = met.member
    const answer = refused === 'ok' ? 'not asked' : await member.connect()
    // Its mode and group are looked at when they have let somebody in: they come after the file, one after the other.
    met = { member: answer, stranger: refused, stat: look() }
    if (refused === 'ok' || answer === 'ok') return met
    if (answer === 'EACCES' && before !== 'EACCES') until = Date.now() + UNTIL_ALLOWED
  }
  return met
}

/** A process of the bottle with a user and a group of its own, where there are several; it may write where that group may. */
class Caller {
  readonly #shim: Shim
  readonly #path: string

  private constructor(shim: Shim, path: string) {
    this.#shim = shim
    this.#path = path
  }

  static async of(bottle: Bottle, id: number, path: string): Promise<Caller> {
    const shim = await bottle.shim()
    const become = hasOneId(bottle) ? [] : [setgroups([]), setresgid(id, id, id), setresuid(id, id, id)]
    await shim.run([clone(), ...container(become)])
    return new Caller(shim, path)
  }

  get pid(): number {
    return this.#shim.childPid as number
  }

  /** `ok`, or the error. */
  async connect(): Promise<string> {
    const results = await this.#make([
      socket('unix', 'stream', 0, { keep: SOCKET.ref }),
      setsockopt_rcvtimeo(SOCKET, PATIENCE),
      connect_unix(SOCKET, this.#path),
    ])
    const failed = results.find(({ errno }) => errno !== 0)
    if (!failed) return 'ok'
    await this.#make([close(SOCKET)])
    return errnoOf(failed.errno).name
  }

  /** All that comes until the other side ends the connection; or the error instead of that. */
  async ask(question: string): Promise<{ text: string } | { errno: string }> {
    const [written] = await this.#make([write(SOCKET, question)])
    if (written && written.errno !== 0) return { errno: errnoOf(written.errno).name }
    let text = ''
    for (let count = 0; count < READS; count++) {
      const [piece] = await this.#make([read(SOCKET, 4096)])
      if (piece?.errno !== 0) return { errno: errnoOf(piece?.errno ?? 0).name }
      if (piece.ret === 0n) break
      text += textOf(piece)
    }
    return { text }
  }

  #make(steps: readonly Step[]): Promise<Result[]> {
    return this.#shim.attempt(container(steps))
  }
}
