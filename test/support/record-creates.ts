/**
 * Asks docker's own client what it makes of flags, and writes creates.json and requests.json of test/lib/cli/client, which the tests hold ours against:
 *
 *     npx tsx test/support/record-creates.ts /usr/bin/docker
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { type Answer, type Asked, differences, record } from './recorder.js'

const HERE = join(dirname(fileURLToPath(import.meta.url)), '../lib/cli/client')

/** A line of creates.txt: words with blanks between, `'…'` for those that have some. */
export const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? (plain as string))

/** What files the cases name have in them, and what the environment has. */
export const FILES: Readonly<Record<string, string>> = {
  'variables.txt': 'X=1\n# no variable\n\nINHERITED\n  Z=a b\nABSENT\n',
  'labels.txt': 'one=2\ntwo\n# three\nfour=a=b\n',
  'seccomp.json': '{ "defaultAction" :\n "SCMP_ACT_ALLOW", "syscalls": [ ] }\n',
}
export const ENVIRONMENT = { INHERITED: 'from here' }

export const casesOf = (name: 'creates' | 'requests' = 'creates'): string[] =>
  readFileSync(join(HERE, `${name}.txt`), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))

async function main(docker: string): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), 'record-'))
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(place, name), content)
  const socket = join(place, 'engine.sock')
  const recorder = await record(socket, '1.47')
  const ask = async (words: readonly string[]) => {
    recorder.asked.length = 0
    const env = { ...ENVIRONMENT, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: place, PATH: process.env.PATH, HOME: place }
    const { stderr, exitCode } = await execa(docker, ['create', ...words], { reject: false, cwd: place, env, extendEnv: false })
    return { asked: recorder.asked[0], stderr: stderr.replaceAll(place, '.'), exitCode }
  }
  const { asked: plain } = await ask(['busybox', 'true'])
  const table: Record<string, unknown> = { '': plain?.body }
  for (const line of casesOf()) {
    const { asked, stderr, exitCode } = await ask(wordsOf(line))
    const query = asked && Object.keys(asked.query).length > 0 ? { query: asked.query } : {}
    const text = JSON.stringify(asked?.body ?? null).replaceAll(place, '.')
    table[line] = asked
      ? { ...query, body: differences(plain?.body as object, JSON.parse(text)), ...(stderr && { stderr }) }
      : { error: stderr.split('\n\n')[0], exitCode }
  }
  await recorder.close()
  await others(docker, place)
  rmSync(place, { recursive: true })
  writeFileSync(join(HERE, 'creates.json'), `${JSON.stringify(table, undefined, 1)}\n`)
}

/** An engine in which everything is there, by the name that it was asked for. */
export const EVERYTHING: Answer = ({ method, path }) => {
  const lists = ['/containers/json', '/images/json', '/networks', '/images/search']
  if (
    lists.includes(path) ||
    path.endsWith('/history') ||
    path.endsWith('/changes') ||
    (method === 'DELETE' && path.startsWith('/images/'))
  )
    return { status: 200, body: [] }
  if (path.endsWith('/wait')) return { status: 200, body: { StatusCode: 0 } }
  if (path.endsWith('/exec') || path.endsWith('/create')) return { status: 201, body: { Id: 'made', Name: 'made', Warnings: [] } }
  if (path === '/system/df') return { status: 200, body: { LayersSize: 0 } }
  if (path.endsWith('/top')) return { status: 200, body: { Titles: ['PID'], Processes: [] } }
  const whole = { Id: path.split('/')[2] ?? 'x', Name: '/x', State: { Running: true }, Config: {}, HostConfig: {}, NetworkSettings: {} }
  return { status: 200, body: path.endsWith('/json') || /^\/(networks|volumes)\//.test(path) ? whole : {} }
}

/** What of a request counts. Filters are a document in a word, and an empty word is as good as none. */
export const essence = ({ method, path, query, headers, body }: Asked): object => ({
  request: `${method} ${path}`,
  query: Object.fromEntries(
    Object.entries(query)
      .filter(([, value]) => value !== '')
      .map(([key, value]) => [key, key === 'filters' ? JSON.parse(value) : value === 'true' ? '1' : value]),
  ),
  ...(body !== '' && { body }),
  ...(headers['x-registry-auth'] && { auth: headers['x-registry-auth'] }),
})

async function others(docker: string, place: string): Promise<void> {
  const socket = join(place, 'everything.sock')
  const recorder = await record(socket, '1.47', EVERYTHING)
  const table: Record<string, unknown> = {}
  for (const line of casesOf('requests')) {
    recorder.asked.length = 0
    const env = { DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: place, PATH: process.env.PATH, HOME: place }
    await execa(docker, wordsOf(line), { reject: false, cwd: place, env, extendEnv: false, stdin: 'ignore', timeout: 5000 })
    table[line] = recorder.asked.map(essence)
  }
  await recorder.close()
  writeFileSync(join(HERE, 'requests.json'), `${JSON.stringify(table, undefined, 1)}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv[2] ?? 'docker')
