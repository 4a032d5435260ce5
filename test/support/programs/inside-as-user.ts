/** What happens inside a container of an ordinary user's engine, as JSON: execs, copies, what is read of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Engine } from '../../../lib/engine/index.js'
import { importImage } from '../../../lib/image/import.js'
import { packTree } from '../../../lib/image/pack/index.js'
import { parseReference } from '../../../lib/image/reference.js'
import { Store } from '../../../lib/image/store/index.js'
import { TAR_END, tarHeader, tarPadding } from '../../../lib/image/tar/index.js'
import { body, textOf } from '../engine.js'
import { busyboxRoot } from '../full.js'

const root = mkdtempSync(join(tmpdir(), 'drydock-engine-'))
const box = busyboxRoot()
await importImage(packTree([box.path]), { store: new Store(root), reference: parseReference('box') })
box.remove()
const engine = await Engine.open({ dataRoot: root })
const { containers, execs } = engine
const { Id } = await containers.create(body(['sh', '-c', 'sleep 1000']), {})
await containers.start(Id)

async function ran(script: string, more: object = {}) {
  const exec = await execs.create(Id, { Cmd: ['sh', '-c', script], AttachStdout: true, AttachStderr: true, ...more })
  const attached = await execs.start(exec.Id, {})
  const said = attached && (await textOf(attached.stream, attached.tty))
  return { ...said, ...((await execs.inspect(exec.Id)) as { ExitCode: number }) }
}

const content = 'copied'
const entry = { path: Buffer.from('copied'), type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 1, nanoseconds: 0 } } as const
const archive = Buffer.concat([tarHeader({ ...entry, size: content.length }), Buffer.from(content), tarPadding(content.length), TAR_END])
const copy = () => containers.write(Id, '/tmp', Readable.from([archive]), { noOverwriteDirNonDir: true, copyUidGid: false })

const id = await ran('id -u; cat /proc/self/uid_map | tr -s " "; { readlink /proc/1/ns/user; readlink /proc/self/ns/user; } | uniq | wc -l')
const terminal = await ran('tty; test -w /dev/tty && echo mine', { Tty: true })
await copy()
const copied = await ran('cat /tmp/copied')
const { Processes } = await containers.top(Id)
const seen = (await containers.stat(Id, '/tmp/copied')).size
let documents = 0
for await (const _ of containers.stats(Id, { stream: false, oneShot: true })) documents++
await containers.kill(Id)
await copy()
const after = (await containers.stat(Id, '/tmp/copied')).size
const { stdout: log } = await textOf(
  (await containers.logs(Id, { stdout: true, stderr: true, follow: true, timestamps: false, details: false })).stream,
)
await containers.remove(Id, {})
await engine.close()
rmSync(root, { recursive: true, force: true })
console.log(JSON.stringify({ id, terminal, copied, processes: Processes.length, seen, after, log, documents }))
