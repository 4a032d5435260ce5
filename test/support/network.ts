/**
 * Hosts and containers with a network, as tests make them. A host here is a network namespace with the files of this machine: some
 * shims that are in it, and a data root in a temporary directory. (In a bottle the files would be others than those that the test,
 * outside, reads.)
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostSpawner } from '../../lib/bottle.js'
import { plan } from '../../lib/container/plan.js'
import { close, dup3, open, pipe2 } from '../../lib/kernel/calls/files.js'
import { clone, execve, setns, unshare } from '../../lib/kernel/calls/process.js'
import { loopbackUp } from '../../lib/kernel/netlink/loopback.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { container, type Fragment, host, inPhase, ref } from '../../lib/kernel/step.js'
import { type Attachment, type AttachmentRequest, ensureNetwork, planAttachment } from '../../lib/network/index.js'
import { namespaces } from '../../lib/primitives/namespaces.js'

export const newId = (): string => randomBytes(32).toString('hex')

export interface Box {
  readonly shim: Shim
  readonly attachment: Attachment
  readonly id: string
}

export type BoxRequest = Partial<Omit<AttachmentRequest, 'container' | 'dataRoot' | 'asked'> & AttachmentRequest['asked']> & {
  readonly id?: string
  readonly name?: string
  readonly program?: readonly string[]
}

export class NetworkHost {
  readonly dataRoot = mkdtempSync(join(tmpdir(), 'drydock-net-'))
  /** In the host's namespace for as long as it lives; its steps may be anything. */
  readonly shim: Shim
  readonly #shims = new Set<Shim>()

  private constructor(shim: Shim) {
    this.shim = shim
  }

  static async open(): Promise<NetworkHost> {
    const shim = await (await hostSpawner()).shim()
    await shim.run(host([unshare(['net']), ...loopbackUp()]))
    return new NetworkHost(shim)
  }

  /** Another shim in the same namespace. */
  readonly another = async (): Promise<Shim> => {
    const shim = await (await hostSpawner()).shim()
    this.#shims.add(shim)
    shim.once('ended', () => this.#shims.delete(shim))
    const namespace = ref('namespace')
    await shim.run(
      host([open(`/proc/${this.shim.pid}/ns/net`, ['rdonly'], { keep: 'namespace' }), setns(namespace, ['net']), close(namespace)]),
    )
    return shim
  }

  ensure(name = 'bridge'): Promise<string[]> {
    return ensureNetwork(this.shim, this.dataRoot, name, this.another)
  }

  attach(request: BoxRequest = {}): Promise<Attachment> {
    const { id = newId(), name = 'box', program: _, ip, ip6, mac, links, aliases = [], ...rest } = request
    const container = { id, name, hostname: id.slice(0, 12), domainname: '' }
    return planAttachment({
      dataRoot: this.dataRoot,
      network: 'bridge',
      asked: {
        aliases,
        ...(ip !== undefined && { ip }),
        ...(ip6 !== undefined && { ip6 }),
        ...(mac !== undefined && { mac }),
        ...(links && { links }),
      },
      ports: [],
      index: 0,
      shim: this.shim,
      ...rest,
      container,
    })
  }

  /** A container with namespaces of its own, the machine's files, and a program that waits unless another is named. */
  async box(request: BoxRequest = {}): Promise<Box> {
    const id = request.id ?? newId()
    for (let attempt = 1; ; attempt++) {
      const attachment = await this.attach({ ...request, id })
      const shim = await this.another()
      try {
        await shim.run(plan([newNamespaces(), attachment.fragment, program(request.program ?? ['sleep', 'infinity'])]))
        return { shim, attachment, id }
      } catch (error) {
        await shim.rollback()
        if (attempt === 3 || !attachment.taken(error)) throw error
      }
    }
  }

  /** Run a program to its end, in the host's network or (`box`) a container's; its output and its exit code. */
  async run(argv: readonly string[], inside?: Box): Promise<{ code: number; output: string }> {
    const shim = inside ? await (await hostSpawner()).shim() : await this.another()
    if (inside) {
      const namespace = ref('namespace')
      const path = `/proc/${inside.shim.childPid}/ns/net`
      await shim.run(host([open(path, ['rdonly'], { keep: 'namespace' }), setns(namespace, ['net']), close(namespace)]))
    }
    let output = ''
    shim.on('output', (_, bytes) => {
      output += bytes.toString()
    })
    await shim.run(host([pipe2('reader', 'writer')]))
    await shim.monitor({ stdout: ref('reader') })
    const exited = shim.exited
    const [writer, reader] = [ref('writer'), ref('reader')]
    await shim.run([
      clone('uts'),
      host(close(writer)),
      ...container([dup3(writer, 1), dup3(writer, 2), close(reader)]),
      ...program(argv).steps,
    ])
    const { code } = await exited
    await shim.ended
    return { code, output }
  }

  /** Names of the devices in the host's namespace. */
  devices(): string[] {
    return [...readFileSync(`/proc/${this.shim.pid}/net/dev`, 'utf8').matchAll(/^ *([^ :]+):/gm)].map(([, name]) => name as string)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#shims].map((shim) => shim.rollback()))
    await this.shim.rollback()
    rmSync(this.dataRoot, { recursive: true, force: true })
  }
}

export const newNamespaces = (): Fragment => namespaces({ net: 'new', pid: 'new', uts: 'new' })

/** The program as one process, looked for where programs are. */
export function program([name = '', ...args]: readonly string[]): Fragment {
  const places = name.startsWith('/') ? [name] : ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].map((directory) => `${directory}/${name}`)
  const steps = places.map((path, index) =>
    execve(path, [name, ...args], ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'], index === places.length - 1 ? {} : { allow: ['ENOENT'] }),
  )
  return { primitive: 'program', title: 'program', steps: inPhase('exec', 'container', steps) }
}
