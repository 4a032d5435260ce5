/** Archives for builds, and a server that has them. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { layerTar } from '../../support/images.js'
import { innermost } from '../../support/innermost.js'
import type { Stage } from '../engine/player.js'

export const tar: Buffer = layerTar({ 'in/': '', 'in/file': 'in an archive\n', note: 'noted\n', 'link -> in/file': '' })
export const gzipped: Buffer = gzipSync(tar)

const CONTEXT = layerTar({
  Dockerfile: 'FROM busybox\nCOPY a dir /x/\nRUN find /x | sort\n',
  a: 'a\n',
  'dir/': '',
  'dir/b': 'b\n',
  'other/': '',
  'other/Dockerfile': 'FROM busybox\nCOPY other /x\nRUN echo other\n',
})

export const contextTar = (compressed: boolean): Buffer => (compressed ? gzipSync(CONTEXT) : CONTEXT)

const PORT = 8099

/** On the loopback of the engine's host. */
export async function served({ engine }: Stage, act: (url: string) => Promise<void>): Promise<void> {
  const place = '/run/served'
  const reach = engine.host.path(place)
  mkdirSync(reach, { recursive: true })
  const files = {
    'file.txt': 'from the web\n',
    'files.tar': tar,
    'index.html': 'an index\n',
    Dockerfile: 'FROM busybox\nRUN echo remote\n',
    'context.tgz': contextTar(true),
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(reach, name), content)
  const [file, ...args] = engine.host.enter(['busybox', 'httpd', '-f', '-v', '-p', `127.0.0.1:${PORT}`, '-h', place])
  const server = spawn(file as string, args, { stdio: 'ignore' })
  const exited = once(server, 'exit')
  try {
    await engine.host.run(['sh', '-c', `until nc -z 127.0.0.1 ${PORT}; do :; done`])
    await act(`http://127.0.0.1:${PORT}`)
  } finally {
    process.kill(innermost(server), 'SIGTERM')
    await exited
  }
}
