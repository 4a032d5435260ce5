/** Lesson 1: its exercises in both directions, the mistakes that people make, and the commands in its text. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { marked } from 'marked'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import lesson from '../../lessons/01-namespaces/lesson.js'
import { Bottle } from '../../lib/bottle.js'
import { clone, execve } from '../../lib/index.js'
import { checkExercise, type Verdict } from '../../lib/tutor/checker.js'
import type { Exercise } from '../../lib/tutor/lesson.js'
import { BoxStdio } from '../../lib/tutor/stdio.js'
import { verifyLesson } from '../../lib/tutor/verify.js'
import { requires } from '../support/requires.js'

const needsBottle = requires('user-namespaces')
/** As root there are several ids in a bottle; an ordinary user may have one only, and then fakeRoot cannot be done at all. */
const needsIds = requires('root')

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-lesson1-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

needsBottle(
  'what is handed out fails, the solutions pass, and lies change nothing',
  async () => {
    const verifications = await verifyLesson(lesson)
    expect(new Set(verifications.map(({ exercise }) => exercise))).toEqual(new Set(lesson.exercises.map(({ id }) => id)))
    for (const verification of verifications)
      expect(verification, `${verification.exercise} ${verification.program}`).toMatchObject({ ok: true })
  },
  240_000,
)

const exercise = (id: string): Exercise => lesson.exercises.find((one) => one.id === id) as Exercise

let files = 0

/** The verdict on a function with this body; everything of lib/index.ts is at hand. */
async function attempt(id: string, parameters: string, body: string): Promise<Verdict> {
  const path = join(directory, `${id}-${files++}.mts`)
  const names = [...new Set(body.match(/\b[a-z]\w+\b/g))].filter((name) => NAMES.has(name))
  const index = new URL('../../lib/index.ts', import.meta.url).href
  writeFileSync(path, `import { ${names.join(', ')} } from ${JSON.stringify(index)}\nexport const ${id} = (${parameters}) => ${body}\n`)
  return checkExercise(exercise(id), path)
}

const NAMES = new Set(Object.keys(await import('../../lib/index.js')))

const SLEEP = `execve('/bin/sleep', ['sleep', '600'])`
const PROC = `mount('proc', '/proc', 'proc', ['nosuid', 'nodev', 'noexec'])`
const PRIVATE = `mount(null, '/', null, ['rec', 'private'])`

describe('hostname', () => {
  const tries: [string, string, RegExp, number | undefined][] = [
    ['nothing at all', '[]', /there is no process/, 1],
    ['the bottle renamed by a child without a namespace', '[clone(), sethostname(name)]', /the bottle is called .+ now/, 2],
    ['the bottle renamed by the shim', `[host(sethostname(name)), clone('uts')]`, /the bottle is called .+ now/, 2],
    ['the wrong name', `[clone('uts'), sethostname('container')]`, /host name is container, not/, 3],
    [
      'a process that has ended',
      `[clone('uts'), sethostname(name), execve('/bin/true', ['true'])]`,
      /not there any more: it has exited with 0/,
      undefined,
    ],
    [
      'a program that is not there',
      `[clone('uts'), sethostname(name), execve('/nowhere', ['x'])]`,
      /step 3 of your 3 failed: execve.*ENOENT/i,
      undefined,
    ],
  ]
  for (const [title, body, saw, hint] of tries) {
    needsBottle(`fails: ${title}`, async () => {
      const verdict = await attempt('hostname', '{ name }', body)
      expect(verdict).toMatchObject({ passed: false, hint })
      expect(verdict.saw.join('\n')).toMatch(saw)
    })
  }

  needsBottle('passes in another way: unshare, and a program that stays', async () => {
    expect(await attempt('hostname', '{ name }', `[clone(), unshare(['uts']), sethostname(name), ${SLEEP}]`)).toMatchObject({
      passed: true,
    })
  })
})

describe('ownProcesses', () => {
  const sleep = `execve('/bin/sleep', ['sleep', String(seconds)])`
  const tries: [string, string, RegExp, number | undefined][] = [
    [
      'the mount that reaches the bottle',
      `[clone('pid', 'mnt'), ${PROC}, ${sleep}]`,
      /the bottle’s mounts are not as before: a new proc on \/proc/,
      2,
    ],
    ['no mount namespace', `[clone('pid'), ${PROC}, ${sleep}]`, /a new proc on \/proc/, 2],
    [
      'the bottle made private from inside',
      `[clone('pid', 'mnt'), host(${PRIVATE}), ${PROC}, ${sleep}]`,
      /of them are not shared any more/,
      2,
    ],
    ['the old /proc', `[clone('pid', 'mnt'), ${PRIVATE}, ${sleep}]`, /in its \/proc there are the processes/, 3],
    ['no pid namespace', `[clone('mnt'), ${PRIVATE}, ${PROC}, ${sleep}]`, /in the bottle’s pid namespace/, 1],
    [
      'a directory that looks like a /proc',
      `[clone('pid', 'mnt'), ${PRIVATE}, mount('tmpfs', '/proc', 'tmpfs'), mkdir('/proc/1'), ${sleep}]`,
      /a mount of type tmpfs, not a proc/,
      3,
    ],
    ['another argument', `[clone('pid', 'mnt'), ${PRIVATE}, ${PROC}, ${SLEEP}]`, /it runs .*sleep 600, and not \/bin\/sleep \d+/, 4],
    [
      'another program under that name',
      `[clone('pid', 'mnt'), ${PRIVATE}, ${PROC}, execve('/bin/tail', ['tail', '-f', '/dev/null'])]`,
      /it runs .*tail/,
      4,
    ],
  ]
  for (const [title, body, saw, hint] of tries) {
    needsBottle(`fails: ${title}`, async () => {
      const verdict = await attempt('ownProcesses', '{ seconds }', body)
      expect(verdict.passed).toBe(false)
      expect(verdict.saw.join('\n')).toMatch(saw)
      expect(verdict.hint).toBe(hint)
    })
  }

  needsBottle('passes in another way: slave mounts, and a pid namespace unshared by the host side', async () => {
    const slave = `mount(null, '/', null, ['rec', 'slave'])`
    const body = `[host(unshare(['pid'])), clone('mnt'), ${slave}, ${PROC}, ${sleep}]`
    expect(await attempt('ownProcesses', '{ seconds }', body)).toMatchObject({ passed: true })
  })
})

describe('fakeRoot', () => {
  const map = (file: string, line: string) =>
    `host(open(text\`/proc/\${child}/${file}\`, ['wronly'], { keep: '${file}' })), host(write(ref('${file}'), ${line}))`
  const line = '`0 ${' + 'outside} 1\\n`'
  const maps = `${map('gid_map', line)}, ${map('uid_map', line)}`
  const become = 'setresgid(0), setresuid(0)'
  const make = `open('/tmp/' + file, ['creat', 'wronly'], { mode: 0o644 })`
  const tries: [string, string, RegExp, number | undefined][] = [
    ['no user namespace', `[clone(), ${make}]`, /in the bottle’s user namespace/, 1],
    ['no map', `[clone('user')]`, /user 0 inside does not exist/, 1],
    [
      'a map by the child',
      `[clone('user'), open('/proc/self/uid_map', ['wronly'], { keep: 'm' }), write(ref('m'), ${line})]`,
      /failed: write.*EPERM/i,
      undefined,
    ],
    [
      'the wrong id',
      `[clone('user'), ${map('gid_map', line)}, ${map('uid_map', '`0 ${' + 'outside + 1} 1\\n`')}, ${become}, ${make}]`,
      /user 0 inside is user \d+ in the bottle/,
      2,
    ],
    ['ids never taken', `[clone('user'), ${maps}, host(${make})]`, /the process is user 65534/, 3],
    ['a file made by the shim', `[clone('user'), ${maps}, ${become}, host(${make})]`, /belongs to user 0 in the bottle’s eyes/, 4],
    ['no file', `[clone('user'), ${maps}, ${become}]`, /is not there/, 4],
  ]
  for (const [title, body, saw, hint] of tries) {
    needsIds(`fails: ${title}`, async () => {
      const verdict = await attempt('fakeRoot', '{ outside, file }', body)
      expect(verdict.passed).toBe(false)
      expect(verdict.saw.join('\n')).toMatch(saw)
      expect(verdict.hint).toBe(hint)
    })
  }

  needsIds('passes in another way: more ids than one, and a program that makes the file', async () => {
    const wide = '`0 ${' + 'outside} 10\\n`'
    const body = `[clone('user'), ${map('gid_map', wide)}, ${map('uid_map', wide)}, ${become},
      execve('/bin/sh', ['sh', '-c', ': > /tmp/' + file + '; sleep 600; :'], ['PATH=/usr/bin:/bin'])]`
    expect(await attempt('fakeRoot', '{ outside, file }', body)).toMatchObject({ passed: true })
  })
})

describe('enter', () => {
  const door = (kind: string) => `open(place + '/${kind}', ['rdonly'], { keep: '${kind}' })`
  const doors = ['uts', 'ipc', 'net', 'pid'].map(door).join(', ')
  const enter = (kind: string) => `setns(ref('${kind}'), ['${kind}'])`
  const tries: [string, string, RegExp, number | undefined][] = [
    ['outside', `[clone()]`, /of the uts namespaces the process is in the bottle’s/, 1],
    [
      'the pid namespace entered by the child',
      `[${doors}, clone(), ${['uts', 'ipc', 'net', 'pid'].map(enter).join(', ')}]`,
      /^of the pid namespaces/,
      2,
    ],
    ['namespaces of its own', `[clone('uts', 'ipc', 'net', 'pid')]`, /of the net namespaces the process is in another one/, 1],
    ['a door that is not there', `[open(place + '/mnt', ['rdonly'])]`, /failed: openat.*ENOENT/i, undefined],
  ]
  for (const [title, body, saw, hint] of tries) {
    needsBottle(`fails: ${title}`, async () => {
      const verdict = await attempt('enter', '{ place }', body)
      expect(verdict.passed).toBe(false)
      expect(verdict.saw.join('\n')).toMatch(saw)
      expect(verdict.hint).toBe(hint)
    })
  }

  needsBottle('passes in another way: the shim goes through all doors, and its child is born inside', async () => {
    const all = ['uts', 'ipc', 'net', 'pid'].map(enter).join(', ')
    expect(await attempt('enter', '{ place }', `[${doors}, ${all}, clone(), ${SLEEP}]`)).toMatchObject({ passed: true })
  })
})

/** Blocks that are marked as commands, with the programs that they begin with. */
const text = await readFile(new URL('README.md', lesson.directory), 'utf8')
const commands = marked.lexer(text).flatMap((token) => (token.type === 'code' && token.lang === 'sh' ? [String(token.text)] : []))

describe('the commands in the text', () => {
  needsBottle('are there', () => expect(commands.length).toBeGreaterThan(1))

  for (const command of commands) {
    const program = /^\S+/.exec(command)?.[0] ?? ''
    requires('user-namespaces', `command:${program}`)(command, async () => {
      const bottle = await Bottle.open({ name: 'text' })
      try {
        const shim = await bottle.shim()
        const stdio = new BoxStdio(shim)
        const results = await stdio.attempt([clone(), execve('/bin/sh', ['sh', '-e', '-c', command], ['PATH=/usr/bin:/bin'])])
        expect(results.map(({ status }) => status)).toEqual(['ok', 'ok'])
        const { code } = await shim.exited
        expect({ code, output: stdio.text }).toMatchObject({ code: 0 })
        expect(stdio.text.trim()).not.toBe('')
      } finally {
        await bottle.close()
      }
    })
  }
})
