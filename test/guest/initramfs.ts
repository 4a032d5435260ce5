/**
 * The first file system of the guest: busybox and modules, in memory, only to reach the real one on the disk. (pivot_root is
 * refused on this one by the kernel's rule, so that containers cannot be made here.)
 * Format: Documentation/driver-api/early-userspace/buffer-format.
 */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { gzipSync } from 'node:zlib'

const [DIRECTORY, PROGRAM, FILE] = [0o040755, 0o100755, 0o100644]

interface Entry {
  readonly name: string
  readonly mode: number
  readonly content?: Uint8Array
}

/** `libraries`: what busybox needs beside itself, by the names that it asks for; nothing when it is static. */
export async function initramfs(busybox: string, libraries: readonly string[], modules: readonly string[]): Promise<Buffer> {
  const load = modules.map((path) => `busybox insmod /modules/${basename(path)} || echo "${basename(path)} cannot be loaded"`)
  const script = `${FIRST.replace('LOAD', load.join('\n'))}`
  const files: [string, string][] = [
    ['bin/busybox', busybox],
    ...modules.map((path): [string, string] => [`modules/${basename(path)}`, path]),
    ...libraries.map((path): [string, string] => [path.slice(1), path]),
  ]
  const folders = new Set(['dev', 'root', ...files.flatMap(([name]) => parents(name))])
  const entries: Entry[] = [...folders].map((name) => ({ name, mode: DIRECTORY }))
  for (const [name, path] of files) entries.push({ name, mode: PROGRAM, content: await readFile(path) })
  entries.push({ name: 'init', mode: PROGRAM, content: Buffer.from(script) })
  return gzipSync(cpio(entries), { level: 1 })
}

/** The disk's driver may need a moment to show it. */
const FIRST = `#!/bin/busybox sh
export PATH=/bin
busybox mount -t devtmpfs dev /dev
LOAD
tries=0
until [ -b /dev/vda ] || [ $tries = 100 ]; do tries=$((tries+1)); busybox sleep 0.1; done
busybox mount -t ext4 /dev/vda /root || busybox poweroff -f
busybox mount --move /dev /root/dev
exec busybox switch_root /root /sbin/init
`

function parents(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** The "newc" form: fourteen numbers in hexadecimal, the name, the content, each padded to four bytes. */
function cpio(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = []
  const pad = (length: number) => Buffer.alloc((4 - (length % 4)) % 4)
  for (const [index, { name, mode, content = new Uint8Array() }] of [...entries, { name: 'TRAILER!!!', mode: FILE }].entries()) {
    const fields = [index + 1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0]
    const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`)
    parts.push(header, pad(header.length), Buffer.from(content), pad(content.length))
  }
  return Buffer.concat(parts)
}
