/** Every flag of `docker run`, as docs/COMPATIBILITY.md tells of it: tried with the real client, for a container that is made and inspected. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { readCompatibility } from '../../support/differences.js'
import { dockerPrograms } from '../../support/engines/clients.js'
import { onEngine } from '../../support/engines.js'
import { type FlagRow, readFlags, valueAt } from './flags.js'

const on = onEngine('drydock', { needs: ['command:docker'] })
const [program] = on.able ? dockerPrograms() : []
/** The flags are those of this version. */
const test = !program || program.version.startsWith('28.2.') ? on.test : on.test.skip

const rows = readFlags(readCompatibility('flags'))
const directory = mkdtempSync(join(tmpdir(), 'drydock-flags-'))
afterAll(() => rmSync(directory, { recursive: true }))

beforeAll(async () => {
  if (!on.able) return
  writeFileSync(join(directory, 'words'), 'FILE=yes\n')
  // A block device that is nobody's; docker's client wants it below /dev.
  const made = await on.engine.host.run(['sh', '-ec', 'mount -t tmpfs private /dev/shm; mknod /dev/shm/block b 7 0'])
  expect(made.stderr).toBe('')
  await on.api.must('POST', '/networks/create', { Name: 'sea', IPAM: { Config: [{ Subnet: '10.66.0.0/24' }] } })
  await on.api.create(['true'], { HostConfig: { NetworkMode: 'none' } }, 'keeper')
}, 120_000)

/** Where the engine is, so that both mean the same by a path. */
const docker = (args: readonly string[]) =>
  on.engine.host.run([program?.path as string, ...args], {
    extendEnv: false,
    env: { PATH: process.env.PATH ?? '', HOME: directory, DOCKER_CONFIG: directory, DOCKER_HOST: 'unix:///run/engine/docker.sock' },
  })

test('all that the client has are in the table, and no others', async () => {
  const { stdout } = await docker(['run', '--help'])
  const flags = [...stdout.matchAll(/^ {2,6}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag)
  expect(rows.map(({ flag }) => flag).sort()).toEqual(flags.sort())
})

/** What is not as its row has it. */
async function complaint({ flag, status, verb, words, expected }: FlagRow): Promise<string | undefined> {
  const args = [
    verb,
    ...words.map((word) => word.replace('{directory}', directory)),
    'busybox',
    ...(verb === 'run' ? ['sleep', '100'] : ['true']),
  ]
  const { exitCode, stdout, stderr } = await docker(args)
  if (status === 'refused')
    return exitCode !== 0 && stderr.includes(expected) ? undefined : `${flag}: ${exitCode} ${stderr || 'it is not refused'}`
  if (exitCode !== 0) return `${flag}: ${stderr}`
  const id = stdout.trim()
  if (!/^[0-9a-f]{64}$/.test(id)) return status === 'client' ? undefined : `${flag}: no container was made: ${stdout}`
  const [path = '', value = ''] = [expected.slice(0, expected.indexOf(' ')), expected.slice(expected.indexOf(' ') + 1)]
  const found = status === 'works' ? JSON.stringify(valueAt(path, (await on.api.get(`/containers/${id}/json`)).json())) : value
  await on.api.remove(id)
  return found === value ? undefined : `${flag}: ${path} is ${found}, not ${value}`
}

/** How many clients at once. */
const AT_ONCE = 4

test('each is as it is told', async () => {
  const left = [...rows]
  const complaints: string[] = []
  const one = async () => {
    for (let row = left.shift(); row; row = left.shift()) complaints.push(...[await complaint(row)].filter((found) => found !== undefined))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  expect(complaints).toEqual([])
}, 300_000)
