/** Lesson 4's exercises in both directions, what else a learner may try, and the same where only a user namespace is to be had. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import lesson from '../../lessons/04-rootfs/lesson.js'
import { isWhiteout, layerRows, layersOption, rootIsBottles, statOf, systemSeenBy } from '../../lessons/04-rootfs/looks.js'
import { climb, enter, makeWorld, WORLD, WORLD_NAME } from '../../lessons/04-rootfs/world.js'
import { Bottle } from '../../lib/bottle.js'
import { chdir, chroot, clone3, host, mkdir, mount, open, pivot_root, rmdir, type Step, unlink } from '../../lib/index.js'
import { checkExercise } from '../../lib/tutor/checker.js'
import { hostPidOf } from '../../lib/tutor/host-pid.js'
import type { Exercise } from '../../lib/tutor/lesson.js'
import { type Verification, verifyLesson } from '../../lib/tutor/verify.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { requires } from '../support/requires.js'

test('the file that is handed out fails, the solution passes, and lies change nothing', { timeout: 240_000 }, async () => {
  const results = await verifyLesson(lesson)
  expect(results.filter(({ ok }) => !ok)).toEqual([])
  expect(results.length).toBe(lesson.exercises.length * 4)
  for (const { exercise, program, passed, saw } of results)
    if (passed === undefined) console.log(`skipped: ${exercise} (${program}): ${saw.join('; ')}`)
})

requires('command:setpriv', 'user-namespaces')('the same for an ordinary user, in a user namespace', { timeout: 240_000 }, async () => {
  const { stdout, stderr } = await runAsOrdinaryUser([
    'node',
    '--import',
    'tsx',
    'test/support/programs/verify-lesson.ts',
    'lessons/04-rootfs',
  ])
  expect(stderr).toBe('')
  const results = JSON.parse(String(stdout)) as Verification[]
  expect(results.filter(({ ok, passed }) => !ok || passed === undefined)).toEqual([])
  expect(results.length).toBe(lesson.exercises.length * 4)
})

/** What pivot_root says of a directory of the root mount. An ordinary user’s root mount is locked to its place, which the kernel asks first. */
const PLAIN = process.geteuid?.() === 0 ? 'EBUSY' : 'EINVAL'

describe('what goes wrong on the way there', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'drydock-lesson-4-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  /** The verdict on a function of these steps, with what the library exports in scope. */
  async function verdictOn(id: string, steps: string) {
    const file = join(directory, `${id}-${randomBytes(3).toString('hex')}.mts`)
    const library = pathToFileURL(join(import.meta.dirname, '../../lib/index.ts')).href
    const names = Object.keys(await import('../../lib/index.js')).join(', ')
    writeFileSync(file, `import { ${names} } from ${JSON.stringify(library)}\nexport const ${id} = (given) => [${steps}]\n`)
    return checkExercise(lesson.exercises.find((one) => one.id === id) as Exercise, file)
  }
  const isPrivate = 'mount(null, "/", null, ["rec", "private"])'

  test('a prisoner who only walks up stays in, and one whose root does not follow is half out', { timeout: 120_000 }, async () => {
    expect(await verdictOn('breakOut', 'chdir(".."), chdir("..")')).toMatchObject({ passed: false, hint: 1 })
    expect(await verdictOn('breakOut', 'mkdir("hole"), chroot("hole"), chdir("/")')).toMatchObject({ passed: false, hint: 2 })
    const half = await verdictOn('breakOut', 'mkdir("hole"), chroot("hole"), chdir(".."), chdir("..")')
    expect(half).toMatchObject({ passed: false, hint: 3, saw: [expect.stringMatching(/stands at \/$/)] })
    // Any way out will do: a descriptor of the directory above the hole serves as well as the current directory.
    const rope = 'open(".", ["path"], { keep: "rope" }), mkdir("hole"), chroot("hole"), fchdir(ref("rope")), chdir(".."), chroot(".")'
    expect(await verdictOn('breakOut', rope)).toMatchObject({ passed: true })
  })

  test('a root of one’s own is more than a pointer, and less than a tree with the old one in it', { timeout: 120_000 }, async () => {
    const bind = 'mount(given.root, given.root, null, ["bind", "rec"]), chdir(given.root)'
    const leave = `clone("mnt"), ${isPrivate}, ${bind}, pivot_root(".", ".")`
    expect(await verdictOn('ownRoot', `clone("mnt"), ${isPrivate}, chroot(given.root), chdir("/")`)).toMatchObject({
      passed: false,
      hint: 4,
    })
    expect(await verdictOn('ownRoot', 'clone(), chroot(given.root)')).toMatchObject({ passed: false, hint: 4 })
    expect(await verdictOn('ownRoot', `${leave}, chdir("/")`)).toMatchObject({ passed: false, hint: 3 })
    const inside = `clone("mnt"), ${isPrivate}, ${bind}, mkdir("old"), pivot_root(".", "old"), chdir("/")`
    expect(await verdictOn('ownRoot', inside)).toMatchObject({ passed: false, hint: 3 })
    expect(await verdictOn('ownRoot', `${inside}, umount2("/old", ["detach"])`)).toMatchObject({ passed: true })
    const shared = `${leave}, umount2(".", ["detach"]), mount(null, "/", null, ["shared"])`
    expect(await verdictOn('ownRoot', shared)).toMatchObject({
      passed: false,
      hint: 1,
      saw: [expect.stringMatching(/^\/ has the tag shared:\d+$/)],
    })
    const early = await verdictOn('ownRoot', `clone("mnt"), ${bind}, pivot_root(".", ".")`)
    expect(early.saw.join()).toMatch(/pivot_root.*EINVAL/)
    const plain = await verdictOn('ownRoot', `clone("mnt"), ${isPrivate}, chdir(given.root), pivot_root(".", ".")`)
    expect(plain.saw.join()).toMatch(new RegExp(`pivot_root.*${PLAIN}`))
  })

  test('layers in the wrong order, and what is done past the overlay', { timeout: 120_000 }, async () => {
    const over = (first: string, second: string) =>
      `mount("overlay", given.merged, "overlay", [], \`lowerdir=\${given.${first}}:\${given.${second}},upperdir=\${given.upper},workdir=\${given.work}\`)`
    const [right, wrong] = [over('first', 'second'), over('second', 'first')]
    const changes = `unlink(given.merged + "/" + given.gone), open(given.merged + "/" + given.changed, ["wronly", "append"], { keep: "f" }), write(ref("f"), given.line), close(ref("f"))`
    expect(await verdictOn('layers', `${right}, ${changes}`)).toMatchObject({ passed: true })
    expect(await verdictOn('layers', `${wrong}, ${changes}`)).toMatchObject({ passed: false, hint: 2 })
    expect(await verdictOn('layers', right)).toMatchObject({ passed: false, hint: 4 })
    expect(await verdictOn('layers', `clone("mnt"), ${isPrivate}, ${right}, ${changes}`)).toMatchObject({ passed: false, hint: 1 })
    const past = ['first', 'second'].map((layer) => `({ ...unlink(given.${layer} + "/" + given.gone), allow: ["ENOENT"] })`).join(', ')
    const direct = await verdictOn('layers', `${past}, ${right}`)
    expect(direct).toMatchObject({
      passed: false,
      hint: 3,
      saw: expect.arrayContaining([expect.stringMatching(/has gone: a layer below was written to/)]),
    })
  })

  test('a volume that only looks read-only', { timeout: 120_000 }, async () => {
    const at = (flags: string) => `mount(given.volume, given.place, null, [${flags}])`
    const begin = `clone("mnt"), ${isPrivate}`
    expect(await verdictOn('readOnlyVolume', `${begin}, ${at('"bind", "rec", "rdonly"')}`)).toMatchObject({ passed: false, hint: 3 })
    expect(await verdictOn('readOnlyVolume', `${begin}, ${at('"bind"')}`)).toMatchObject({ passed: false, hint: 2 })
    const one = 'mount(null, given.place, null, ["bind", "remount", "rdonly"])'
    expect(await verdictOn('readOnlyVolume', `${begin}, ${at('"bind", "rec"')}, ${one}`)).toMatchObject({ passed: false, hint: 4 })
    const echo = await verdictOn('readOnlyVolume', `clone("mnt"), ${at('"bind", "rec"')}`)
    expect(echo).toMatchObject({
      passed: false,
      hint: 1,
      saw: expect.arrayContaining([expect.stringMatching(/^the bottle’s mounts are not as before: a new tmpfs on \//)]),
    })
  })
})

describe('what the lesson claims', () => {
  let bottle: Bottle
  beforeAll(async () => {
    bottle = await Bottle.open({ name: 'bottle' })
    makeWorld(bottle)
  })
  afterAll(() => bottle.close())

  /** The steps, made; and the process that they have made, as this machine counts. */
  async function outcome<T>(steps: readonly Step[], look: (hostPid: number) => T): Promise<T> {
    const shim = await bottle.shim()
    try {
      await shim.run(steps)
      return look(hostPidOf(bottle, shim.childPid as number))
    } finally {
      await shim.rollback()
    }
  }

  test('the climb leads out of a chroot, and not out of a root of its own', async () => {
    expect(await outcome([clone3([]), chroot(WORLD), chdir('/')], systemSeenBy)).toBe(WORLD_NAME)
    expect(await outcome([clone3([]), chroot(WORLD), chdir('/'), ...climb('hole')], (pid) => rootIsBottles(bottle, pid))).toBe(true)
    const moved = [clone3(['mnt']), ...enter(WORLD), ...climb('hole')]
    expect(await outcome(moved, (pid) => [rootIsBottles(bottle, pid), systemSeenBy(pid)])).toEqual([false, WORLD_NAME])
  })

  test(`pivot_root refuses what is shared with EINVAL, and a plain directory of the root mount with ${PLAIN}`, async () => {
    const shim = await bottle.shim()
    try {
      const share: Step[] = [clone3(['mnt']), mount(null, '/', null, ['rec', 'shared']), chdir(WORLD)]
      await shim.run(share)
      const refused = [
        pivot_root('.', '.', { allow: ['EINVAL'] }),
        mount(null, '/', null, ['rec', 'private']),
        pivot_root('.', '.', { allow: [PLAIN] }),
      ]
      expect((await shim.run(refused)).map(({ status }) => status)).toEqual(['allowed', 'ok', 'allowed'])
      // On another mount than the root’s the kernel says EINVAL again.
      const elsewhere = [mkdir('/tmp/world'), chdir('/tmp/world'), pivot_root('.', '.', { allow: ['EINVAL'] })]
      expect((await shim.run(elsewhere)).at(-1)?.status).toBe('allowed')
    } finally {
      await shim.rollback()
    }
  })

  test('deleting makes a whiteout, and a directory made anew hides the old one', async () => {
    const at = (path: string) => bottle.hostPath(`/stack/${path}`)
    const make = host(
      ['', '/lower', '/lower/attic', '/lower/attic/trunk', '/upper', '/work', '/merged'].map((path) => mkdir(`/stack${path}`)),
    )
    const overlay = mount(
      'overlay',
      '/stack/merged',
      'overlay',
      [],
      layersOption(bottle, ['/stack/lower'], { upper: '/stack/upper', work: '/stack/work' }),
    )
    const [created, rest] = [
      open('/stack/lower/file', ['creat', 'wronly'], { mode: 0o644 }),
      [unlink('/stack/merged/file'), rmdir('/stack/merged/attic/trunk')],
    ]
    await outcome(
      [...make, host(created), clone3(['mnt']), overlay, ...rest, rmdir('/stack/merged/attic'), mkdir('/stack/merged/attic')],
      (pid) => {
        expect(isWhiteout(statOf(at('upper/file')))).toBe(true)
        expect(statOf(at('lower/file'))?.isFile()).toBe(true)
        expect(layerRows(`/proc/${pid}/root/stack/merged`)).toEqual([{ label: 'attic/', value: 'directory' }])
      },
    )
  })
})
