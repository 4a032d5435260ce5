/** docker-registry as a child that does not outlive us: started by a shim, which ends it when this program is gone, however that went. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hostSpawner } from '../bottle.js'
import { set_pdeathsig } from '../kernel/calls/credentials.js'
import { close, dup3, open } from '../kernel/calls/files.js'
import { clone3, execve, kill } from '../kernel/calls/process.js'
import { DrydockError } from '../kernel/errors.js'
import { child, host, ref } from '../kernel/step.js'
import { homeDirectory, storageDirectory } from './places.js'

export interface Listen {
  readonly address: string
  readonly port: number
}

export interface Server {
  /** Where this machine reaches it: `http://127.0.0.1:5000`. */
  readonly url: string
  /** Resolves when it has ended, by itself or because it was stopped. */
  readonly ended: Promise<unknown>
  stop(): Promise<void>
}

/** So long it gets to begin, on a slow machine too, and to end. Milliseconds. */
const [BEGINS, ENDS] = [30_000, 5000]

/** `127.0.0.1:5000`, `[::1]:5000`, `:5000` and `0.0.0.0:5000` (all addresses of this machine). */
export function parseListen(words: string): Listen {
  const [, bracketed, plain = '', digits = ''] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s/]*)):(\d{1,5})$/i.exec(words) ?? []
  const port = Number(digits)
  if (digits === '' || port < 1 || port > 65535) {
    throw new DrydockError(`'${words}' is no place to listen: it is ADDRESS:PORT, such as 127.0.0.1:5000 or 0.0.0.0:5000`)
  }
  return { address: bracketed ?? (plain === '' ? '0.0.0.0' : plain), port }
}

export const showListen = ({ address, port }: Listen): string => `${address.includes(':') ? `[${address}]` : address}:${port}`

/** What listens everywhere is asked by the loopback. */
export function urlOf({ address, port }: Listen): string {
  const own = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
  return `http://${showListen({ address: own, port })}`
}

const configuration = (listen: Listen, storage: string) => `version: 0.1
log:
  level: info
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: ${JSON.stringify(storage)}
  delete:
    enabled: true
http:
  addr: ${JSON.stringify(showListen(listen))}
`

/** Version 3 sends traces to a collector on this machine, and complains when there is none. */
const QUIET = 'OTEL_TRACES_EXPORTER=none'

export async function startServer(program: string, listen: Listen): Promise<Server> {
  const home = homeDirectory()
  mkdirSync(storageDirectory(), { recursive: true })
  const [config, log] = [join(home, 'config.yml'), join(home, 'log')]
  writeFileSync(config, configuration(listen, storageDirectory()))
  writeFileSync(log, '')
  const shim = await (await hostSpawner()).shim()
  await shim.run([
    clone3([]),
    set_pdeathsig('kill', { why: 'when the shim is killed, the registry goes too' }),
    open(log, ['wronly', 'append'], { keep: 'log' }),
    dup3(ref('log'), 1),
    dup3(ref('log'), 2),
    close(ref('log')),
    execve(program, ['docker-registry', 'serve', config], [`PATH=${process.env.PATH ?? '/usr/bin:/bin'}`, QUIET]),
  ])
  let over = false
  const ended = shim.exited.then(
    () => undefined,
    () => undefined,
  )
  void ended.then(() => {
    over = true
  })
  const stop = async () => {
    if (!over) {
      await shim.attempt([host(kill(child, 'term', { allow: ['ESRCH'] }))])
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, ENDS).unref())])
    }
    await shim.rollback()
  }
  const url = urlOf(listen)
  for (const end = Date.now() + BEGINS; ; ) {
    if (over) throw new DrydockError(`the registry cannot begin: ${complaint(readFileSync(log, 'utf8'), listen)}`)
    // Somebody else's server may answer at this address: ours has said that it listens.
    if (readFileSync(log, 'utf8').includes('listening on ')) return { url, ended, stop }
    if (Date.now() > end) {
      await stop()
      throw new DrydockError(`the registry does not listen after ${BEGINS / 1000} s: ${complaint(readFileSync(log, 'utf8'), listen)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/** Of what it has written the reason. */
function complaint(log: string, listen: Listen): string {
  if (log.includes('address already in use')) {
    return `${showListen(listen)} is taken, perhaps by another registry; name another place with -- --listen ADDRESS:PORT`
  }
  const last = log.trim().split('\n').at(-1) ?? ''
  return /level=fatal msg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1] ?? (last || 'it has said nothing')
}
