/** Lesson 9: its exercises in both directions, the mistakes that people make, the commands in its text, and that nobody else is spoken to. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { marked } from 'marked'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import lesson from '../../lessons/09-two-hosts/lesson.js'
import { endHostSpawner } from '../../lib/bottle.js'
import { Hosts } from '../../lib/hosts/hosts.js'
import { runInside } from '../../lib/hosts/inside.js'
import { checkExercise, type Verdict } from '../../lib/tutor/checker.js'
import type { Exercise } from '../../lib/tutor/lesson.js'
import { type Verification, verifyLesson } from '../../lib/tutor/verify.js'
import { playAtTerminal } from '../support/lesson-terminal.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { requires } from '../support/requires.js'

const needsBottle = requires('user-namespaces')

afterAll(endHostSpawner)

needsBottle('the file that is handed out fails, the solution passes, and lies change nothing', { timeout: 240_000 }, async () => {
  // Who leaves without an answer is the same in every lesson (checker.test.ts); here he would have an engine started for nothing.
  const results = await verifyLesson(lesson, ['exercise', 'solution', 'liar'])
  expect(results.filter(({ ok }) => !ok)).toEqual([])
  expect(results.length).toBe(lesson.exercises.length * 3)
  for (const { exercise, program, passed, saw } of results)
    if (passed === undefined) console.log(`skipped: ${exercise} (${program}): ${saw.join('; ')}`)
})

/** That the solutions pass for one is seen when the lesson is played (play.test.ts). */
requires('command:setpriv', 'user-namespaces')(
  'it fails for an ordinary user too, and for the same reasons',
  { timeout: 240_000 },
  async () => {
    const argv = ['node', '--import', 'tsx', 'test/support/programs/verify-lesson.ts', 'lessons/09-two-hosts', 'exercise']
    const { stdout, stderr } = await runAsOrdinaryUser(argv)
    expect(stderr).toBe('')
    const results = JSON.parse(String(stdout)) as Verification[]
    expect(results.map(({ exercise, passed }) => [exercise, passed])).toEqual(lesson.exercises.map(({ id }) => [id, false]))
    expect(results.flatMap(({ saw }) => saw).filter((line) => /could not go on|did not return/.test(line))).toEqual([])
  },
)

describe('what goes wrong on the way there', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'drydock-lesson-9-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  const url = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url).href)
  let files = 0

  /** The verdict on a function with this body, with what the library and the solution export in scope. */
  async function verdictOn(id: string, body: string): Promise<Verdict> {
    const file = join(directory, `${id}-${files++}.mts`)
    const names = Object.keys(await import('../../lib/index.js')).filter((name) => new RegExp(`\\b${name}\\b`).test(body))
    const imports = `import { ${names.join(', ')} } from ${url('lib/index.ts')}\nimport * as solution from ${url('lessons/09-two-hosts/solution.ts')}\n`
    writeFileSync(file, `${imports}export const ${id} = async (given: any) => { ${body} }\n`)
    return checkExercise(lesson.exercises.find((one) => one.id === id) as Exercise, file)
  }

  for (const [id, what, body, saw, hint] of [
    [
      'doors',
      'every line',
      'return solution.doors({ ...given, table: given.table.replaceAll(" 01 ", " 0A ") })',
      /nobody listens there/,
      1,
    ],
    [
      'doors',
      'what only vm-1 hears',
      'return solution.doors({ ...given, table: given.table.replaceAll("0100007F", "00000000") })',
      /at 127\.0\.0\.1/,
      3,
    ],
    [
      'both',
      'at all addresses',
      'return solution.both(given).map((one) => one.call === "bind" && JSON.stringify(one.args).includes("inet") ? bind_inet(ref("port"), "0.0.0.0", given.port) : one)',
      /listened at 0\.0\.0\.0/,
      2,
    ],
    ['errand', 'of the wrong file', 'return solution.errand({ ...given, file: "/etc/hostname" })', /has "vm-1/, 1],
    [
      'verify',
      'for any name',
      `const { default: https } = await import('node:https')
       const own = https.request
       https.request = (options, answered) => own({ ...options, checkServerIdentity: () => undefined }, answered)
       const { syncBuiltinESMExports } = await import('node:module')
       syncBuiltinESMExports()
       return solution.verify(given)`,
      /for the name vm-3/,
      3,
    ],
  ] as const) {
    needsBottle(`${id}: ${what}`, { timeout: 120_000 }, async () => {
      const verdict = await verdictOn(id, body)
      expect(verdict.saw.join('\n')).toMatch(saw)
      expect(verdict).toMatchObject({ passed: false, hint })
    })
  }

  needsBottle('a function that would speak to the hosts from where it runs', { timeout: 120_000 }, async () => {
    const verdict = await verdictOn('doors', 'await fetch("http://172.20.122.115:2375/_ping"); return []')
    expect(verdict.saw.join()).toContain('172.20.122.115 is on the network of vm-1 and vm-2, and this function runs on neither')
  })
})

needsBottle('the commands in its text do what it says', { timeout: 240_000 }, async () => {
  const text = readFileSync(new URL('../../lessons/09-two-hosts/README.md', import.meta.url), 'utf8')
  const blocks = marked.lexer(text).flatMap((token) => (token.type === 'code' ? [token.text as string] : []))
  const block = (words: string) => blocks.find((one) => one.includes(words)) ?? expect.fail(`there is no block with ${words}`)
  const hosts = await Hosts.open()
  const on = async (name: 'vm-1' | 'vm-2', script: string) => {
    const { code, stdout, stderr } = await runInside(hosts.record(name), ['sh', '-c', script])
    expect(code, `${script}: ${stderr}`).toBe(0)
    return stdout
  }
  try {
    expect(await on('vm-1', block('/proc/net/tcp').replace('ss -ltnp\n', ''))).toMatch(/^ +sl +local_address/)
    const [daemon = '', asked = ''] = block('--tls=false').split('\n')
    await on('vm-1', `${daemon} > /run/said 2>&1 & until ${asked} > /run/info 2>/run/not-yet; do kill -0 $! || exit 1; sleep 0.05; done`)
    expect(await on('vm-1', 'cat /run/info')).toMatch(/^ Name: vm-1$/m)
    expect(await on('vm-2', block('export DOCKER_HOST=tcp'))).toMatch(/^ Name: vm-1$/m)
    expect(await on('vm-1', `cd /run && ${block('drydock tls')}`)).toContain('/run/drydock-tls')
    expect(await on('vm-1', 'ls /run/drydock-tls')).toBe('ca-key.pem\nca.pem\ncert.pem\nkey.pem\nserver-cert.pem\nserver-key.pem\n')
  } finally {
    await hosts.close()
  }
})

needsBottle('at a terminal: steps, an answer to a question, what was measured, and away', { timeout: 120_000 }, () =>
  playAtTerminal({
    number: 9,
    begins: `1 of ${lesson.scenes.length}`,
    after: 'The kernel prints the four bytes',
    shows: ['172.20.122.115'],
  }),
)
