/** The nft program, run in the network namespace of a shim: Node cannot go there, a shim's child is born there. */
import { existsSync } from 'node:fs'
import { close, dup3, open, pipe2, read, readlink, write } from '../kernel/calls/files.js'
import { clone, execve } from '../kernel/calls/process.js'
import { DrydockError } from '../kernel/errors.js'
import { textOf } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { container, host, ref } from '../kernel/step.js'

/** A further shim in the same network namespace. A shim makes one child, so each run of nft takes one. */
export type MoreShims = () => Promise<Shim>

const PLACES = ['/usr/sbin/nft', '/sbin/nft', '/usr/local/sbin/nft', '/usr/bin/nft'] as const

/** Whether it is where it is looked for. */
export const hasNft = (): boolean => PLACES.some((path) => existsSync(path))

export interface NftOutcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Run nft with these arguments and this input (at most what a pipe holds, 64 KiB). Its failure is the outcome's, not an error. */
export async function runNft(more: MoreShims, args: readonly string[], input = ''): Promise<NftOutcome> {
  const shim = await more()
  const output = { 1: '', 2: '' }
  shim.on('output', (stream, bytes) => {
    output[stream] += bytes.toString()
  })
  try {
    const [from, to] = [ref('from'), ref('to')]
    await shim.run(
      host([pipe2('from', 'to'), write(to, input), close(to), pipe2('outReader', 'outWriter'), pipe2('errReader', 'errWriter')]),
    )
    await shim.monitor({ stdout: ref('outReader'), stderr: ref('errReader') })
    const exited = shim.exited
    exited.catch(() => undefined)
    const places = PLACES.map((path, index) =>
      execve(path, ['nft', ...args], [], index === PLACES.length - 1 ? {} : { allow: ['ENOENT', 'ENOTDIR'] }),
    )
    const results = await shim.attempt([
      clone('uts'),
      host(close(ref('outWriter'))),
      host(close(ref('errWriter'))),
      ...container([dup3(from, 0), dup3(ref('outWriter'), 1), dup3(ref('errWriter'), 2), ...places]),
    ])
    if (results.some(({ status }) => status === 'failed')) {
      throw new DrydockError(
        'nft cannot be run, and it is what makes the packet filter’s rules for this network: install it (the package nftables), or use --network none or host',
      )
    }
    const { code } = await exited
    await shim.ended
    return { code, stdout: output[1], stderr: output[2] }
  } finally {
    await shim.rollback()
  }
}

/** Rules in one transaction. Throws nft's own first line when the kernel refuses them. */
export async function loadRules(more: MoreShims, rules: string): Promise<void> {
  const { code, stderr } = await runNft(more, ['-f', '-'], rules)
  if (code !== 0)
    throw new DrydockError(`the packet filter's rules cannot be loaded: nft: ${stderr.trim().split('\n')[0] ?? `exit code ${code}`}`)
}

/** An error unless the shims that nft is run by are in the network that `shim` is in: rules made elsewhere would help nobody. */
export async function checkSameNetwork(shim: Shim, more: MoreShims): Promise<void> {
  const other = await more()
  try {
    const [one, two] = await Promise.all([networkOf(shim), networkOf(other)])
    if (one !== two) {
      throw new DrydockError(
        'the network that is to be made and the one in which nft would run are different ones: pass ensureNetwork a way to more shims of the same',
      )
    }
  } finally {
    await other.rollback()
  }
}

/** The network namespace of a shim: `net:[4026531840]`. */
async function networkOf(shim: Shim): Promise<string> {
  const [result] = await shim.run(host([readlink('/proc/self/ns/net')]))
  return result ? textOf(result) : ''
}

/** A file's text as the shim sees it (for /proc/sys/net: that of its network namespace); undefined when there is none. */
export async function readThrough(shim: Shim, path: string): Promise<string | undefined> {
  const file = ref('file')
  const results = await shim.attempt(host([open(path, ['rdonly'], { keep: 'file' }), read(file, 4096), close(file)]))
  const [, content] = results
  return content?.status === 'ok' ? textOf(content) : undefined
}
