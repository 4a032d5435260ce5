/**
 * A private host that is attacked from a container: a directory that must stay as it is, an image of busybox, and the probe in it.
 * What is compared afterwards is what the kernel says of the host, not what the container says.
 */
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SHIM_PATH } from '../../lib/kernel/constants.js'
import { busyboxRoot } from './full.js'
import { DRYDOCK, type Finished, PrivateHost } from './private-host.js'

export const ESCAPE_NEEDS = ['root', 'command:unshare', 'command:nsenter', 'command:busybox', 'command:ip'] as const

/** Directories of the private host alone: what an escape would reach, and where images and volumes lie. */
export const CANARY = '/run/canary'
const IMAGES = '/run/images'

/** What a link of an image must not lead a write, a mount or a new file to. */
const WATCHED = [CANARY, '/etc/hosts', '/etc/hostname', '/etc/resolv.conf', '/root', '/']

function argumentsOf(image: string, flags: readonly string[], command: readonly string[]): string[] {
  const network = flags.includes('--network') ? [] : ['--network', 'none']
  return ['run', '--rm', ...network, ...flags, '--rootfs', image, ...command]
}

export class AttackedHost {
  readonly host: PrivateHost
  /** An image with nothing wrong in it; /bin/probe is the shim's own program. */
  readonly image: string
  #images = 0
  readonly #remove: () => void

  private constructor(host: PrivateHost, image: string, remove: () => void) {
    this.host = host
    this.image = image
    this.#remove = remove
  }

  static async open(): Promise<AttackedHost> {
    const host = await PrivateHost.open()
    const root = busyboxRoot()
    writeFileSync(`${root.path}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n')
    copyFileSync(SHIM_PATH, `${root.path}/bin/probe`)
    chmodSync(`${root.path}/bin/probe`, 0o755)
    mkdirSync(host.path(`${CANARY}/directory`), { recursive: true })
    writeFileSync(host.path(`${CANARY}/file`), 'untouched\n')
    mkdirSync(host.path(IMAGES))
    return new AttackedHost(host, root.path, root.remove)
  }

  /** Another image, after this script has been run in it by the host: an attacker's. Its path on the private host. */
  async prepare(script: string): Promise<string> {
    const path = `${IMAGES}/${this.#images++}`
    const made = await this.host.run(['sh', '-ec', `cp -a "$0" "$1"; cd "$1"; ${script}`, this.image, path])
    if (made.exitCode !== 0) throw new Error(`the image was not made: ${made.stderr}`)
    return path
  }

  /** `drydock run`, removed afterwards, without a network unless there is one among the flags. */
  run(flags: readonly string[], ...command: string[]): Promise<Finished> {
    return this.runImage(this.image, flags, ...command)
  }

  runImage(image: string, flags: readonly string[], ...command: string[]): Promise<Finished> {
    return this.host.drydock(...argumentsOf(image, flags, command))
  }

  sh(flags: readonly string[], script: string): Promise<Finished> {
    return this.run(flags, 'sh', '-c', script)
  }

  /** The argument list that leaves the container in the foreground of a terminal or of another process. */
  commandLine(flags: readonly string[], ...command: string[]): string[] {
    return [process.execPath, DRYDOCK, ...argumentsOf(this.image, flags, command)]
  }

  /** What the probe says in such a container. */
  // biome-ignore lint/suspicious/noExplicitAny: the probe's object has fifty members, each checked by what it must equal
  async probe(flags: readonly string[], ...args: string[]): Promise<any> {
    const { exitCode, stdout, stderr } = await this.run(flags, '/bin/probe', '--probe', ...args)
    if (exitCode !== 0) throw new Error(`the probe ended with ${exitCode}: ${stderr}`)
    return JSON.parse(stdout)
  }

  /** All that an escape would change: mounts of the host, and the files that it would write, make or remove. */
  state(): { mounts: string; files: string[] } {
    return {
      mounts: readFileSync(`/proc/${this.host.pid}/mountinfo`, 'utf8'),
      files: WATCHED.flatMap((path) => (path === CANARY ? this.#below(path) : [this.#seen(path)])),
    }
  }

  async close(): Promise<void> {
    this.#remove()
    rmSync(this.host.path(IMAGES), { recursive: true })
    await this.host.close()
  }

  #below(path: string): string[] {
    const names = readdirSync(this.host.path(path), { recursive: true, encoding: 'utf8' }).sort()
    return [this.#seen(path), ...names.map((name) => this.#seen(join(path, name)))]
  }

  /** Type, mode, owner, time of the last change of any kind, and content. */
  #seen(path: string): string {
    const file = this.host.path(path)
    const found = lstatSync(file, { throwIfNoEntry: false, bigint: true })
    if (!found) return `${path}: none`
    const content = found.isFile()
      ? createHash('sha256').update(readFileSync(file)).digest('hex')
      : found.isSymbolicLink()
        ? readlinkSync(file)
        : ''
    return `${path}: ${found.mode.toString(8)} ${found.uid}:${found.gid} ${found.rdev} ${found.ctimeNs} ${content}`
  }
}
