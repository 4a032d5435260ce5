/** Clients that make, start, follow and remove containers at once, and remember what they were answered: for a daemon that is killed under them. */
import type { Answer, EngineApi } from '../../support/engines/api.js'

export interface Known {
  readonly name: string
  readonly kind: 'short' | 'long'
  /** What a short one ends with. */
  readonly code: number
  readonly id: string
  started: 'no' | 'asked' | 'answered'
  removed: 'no' | 'asked' | 'answered'
}

/** How many lines a short one prints. */
export const LINES = 300

const PROGRAMS = {
  short: (code: number) => `seq ${LINES}; exit ${code}`,
  // Each line is told when it is on its way: what comes after a gap would show it.
  long: () => 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done',
}

export class Load {
  readonly known: Known[] = []
  /** What was asked for and not answered: it may be there, or not. */
  readonly unanswered: string[] = []
  /** Answers that nobody should get. */
  readonly wrong: string[] = []
  readonly #api: EngineApi
  #over = false

  constructor(api: EngineApi) {
    this.#api = api
  }

  /** Resolves when all clients have stopped; call `stop` first, or have the daemon killed. */
  run(clients: number, prefix: string): Promise<void> {
    return Promise.all(Array.from({ length: clients }, (_, client) => this.#client(`${prefix}-${client}`))).then(() => undefined)
  }

  stop(): void {
    this.#over = true
  }

  async #client(prefix: string): Promise<void> {
    for (let count = 0; !this.#over; count++) {
      const kind = count % 3 === 2 ? 'long' : 'short'
      const name = `${prefix}-${count}`
      const code = count % 5
      const network = count % 2 === 0 ? 'none' : 'bridge'
      const made = await this.#ask('POST', `/containers/create?name=${name}`, 201, {
        Image: 'busybox',
        Cmd: ['sh', '-c', PROGRAMS[kind](code)],
        HostConfig: { NetworkMode: network },
      })
      if (!made) return void this.unanswered.push(name)
      const known: Known = { name, kind, code, id: made.json<{ Id: string }>().Id, started: 'asked', removed: 'no' }
      this.known.push(known)
      if (!(await this.#ask('POST', `/containers/${name}/start`, 204))) return
      known.started = 'answered'
      if (count % 4 !== 3) continue
      known.removed = 'asked'
      if (!(await this.#ask('DELETE', `/containers/${name}?force=1`, 204))) return
      known.removed = 'answered'
    }
  }

  /** Undefined when the daemon has gone meanwhile. */
  async #ask(method: string, path: string, status: number, body?: unknown): Promise<Answer | undefined> {
    try {
      const answer = await this.#api.ask(method, path, body === undefined ? {} : { body })
      if (answer.status !== status) this.wrong.push(`${method} ${path}: ${answer.status} ${answer.body}`)
      return answer.status === status ? answer : undefined
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (!['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ENOENT'].includes(code ?? '') && message !== 'aborted')
        this.wrong.push(`${method} ${path}: ${message}`)
      this.#over = true
      return undefined
    }
  }
}
