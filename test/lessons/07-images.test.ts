/** Lesson 7's exercises in both directions, what goes wrong on the way there, and the archives that it makes. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LIFEBOAT } from '../../lessons/07-images/foreign.js'
import { hull, LOWER } from '../../lessons/07-images/hull.js'
import { digestOf } from '../../lessons/07-images/image.js'
import lesson from '../../lessons/07-images/lesson.js'
import { askedFor, publish, quietRegistry } from '../../lessons/07-images/registry.js'
import { foreign } from '../../lessons/07-images/scenes/foreign.js'
import { entries, pack } from '../../lessons/07-images/tar.js'
import { Bottle, endHostSpawner } from '../../lib/bottle.js'
import { archiveTree, imageOf as imageOfTree } from '../../lib/classroom/layer.js'
import { publish as publishPacked } from '../../lib/classroom/publish.js'
import { startServer } from '../../lib/classroom/server.js'
import { buildUserland } from '../../lib/image/host/index.js'
import { checkExercise } from '../../lib/tutor/checker.js'
import { oneBottle } from '../../lib/tutor/ground.js'
import type { Exercise } from '../../lib/tutor/lesson.js'
import { findCommand } from '../../lib/tutor/packages.js'
import { LessonStage } from '../../lib/tutor/stage.js'
import { AutoGuide } from '../../lib/tutor/stage-auto.js'
import { type Verification, verifyLesson } from '../../lib/tutor/verify.js'
import { playAtTerminal } from '../support/lesson-terminal.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { requires } from '../support/requires.js'
import { writtenDisplay } from '../support/written-display.js'

test('the file that is handed out fails, the solution passes, and lies change nothing', { timeout: 240_000 }, async () => {
  const results = await verifyLesson(lesson)
  expect(results.filter(({ ok }) => !ok)).toEqual([])
  expect(results.length).toBe(lesson.exercises.length * 4)
  for (const { exercise, program, passed, saw } of results)
    if (passed === undefined) console.log(`skipped: ${exercise} (${program}): ${saw.join('; ')}`)
})

requires('command:setpriv', 'command:docker-registry', 'user-namespaces')(
  'the same for an ordinary user, in a user namespace',
  { timeout: 240_000 },
  async () => {
    const { stdout, stderr } = await runAsOrdinaryUser([
      'node',
      '--import',
      'tsx',
      'test/support/programs/verify-lesson.ts',
      'lessons/07-images',
    ])
    expect(stderr).toBe('')
    const results = JSON.parse(String(stdout)) as Verification[]
    expect(results.filter(({ ok, passed }) => !ok || passed === undefined)).toEqual([])
    expect(results.length).toBe(lesson.exercises.length * 4)
  },
)

describe('what goes wrong on the way there', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'drydock-lesson-7-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  const url = (path: string) => JSON.stringify(pathToFileURL(join(import.meta.dirname, '../..', path)).href)

  /** The verdict on a function that returns `value`, with what the library and the solution export in scope. */
  async function verdictOn(id: string, value: string, head = '') {
    const file = join(directory, `${id}-${randomBytes(3).toString('hex')}.mts`)
    const names = Object.keys(await import('../../lib/index.js')).join(', ')
    const imports = `import { ${names} } from ${url('lib/index.ts')}\nimport * as solution from ${url('lessons/07-images/solution.ts')}\n`
    writeFileSync(file, `${imports}${head}\nexport const ${id} = async (given) => { ${value} }\n`)
    return checkExercise(lesson.exercises.find((one) => one.id === id) as Exercise, file)
  }

  test('a layer with the wrong marks', { timeout: 120_000 }, async () => {
    const without = (call: string) => `return solution.layer(given).filter(({ call }) => call !== '${call}')`
    expect(await verdictOn('layer', without('mknodat'))).toMatchObject({ passed: false, hint: 2 })
    expect(await verdictOn('layer', without('setxattr'))).toMatchObject({ passed: false, hint: 3 })
    expect(await verdictOn('layer', without('linkat'))).toMatchObject({ passed: false, hint: 4 })
    const below = 'return [...solution.layer(given), unlink(given.first + "/" + given.gone)]'
    expect(await verdictOn('layer', below)).toMatchObject({ passed: false, hint: 1 })
    const soft =
      'return [...solution.layer(given).filter(({ call }) => call !== "linkat"), symlink(given.file, given.second + "/" + given.other)]'
    expect(await verdictOn('layer', soft)).toMatchObject({ passed: false, hint: 4 })
  })

  test('a way into the image that leads out, and another that does not', { timeout: 120_000 }, async () => {
    const written = 'write(ref("file"), given.text), close(ref("file"))'
    const trusting = `return [open(given.root + "/" + given.path, ["creat", "wronly", "trunc"], { mode: 0o644, keep: "file" }), ${written}]`
    expect(await verdictOn('inside', trusting)).toMatchObject({ passed: false, hint: 1 })
    const chrooted = `return [clone(), chroot(given.root), chdir("/"), open(given.path, ["creat", "wronly"], { mode: 0o644, keep: "file" }), ${written}]`
    expect(await verdictOn('inside', chrooted)).toMatchObject({ passed: true })
    const refused = await verdictOn(
      'inside',
      'return [open(given.root, ["directory", "path"], { keep: "root" }), openat2(given.path, { flags: ["creat", "wronly"], resolve: ["beneath"], mode: 0o644 }, { dirfd: ref("root") })]',
    )
    expect(refused.saw.join()).toMatch(/openat2.*EXDEV/)
    const replaced = `return [unlink(given.root + "/" + given.path.split("/")[0]), mkdir(given.root + "/" + given.path.split("/")[0]), ...solution.inside(given)]`
    expect(await verdictOn('inside', replaced)).toMatchObject({ passed: false, hint: 3 })
  })

  requires('command:docker-registry')('a pull that believes everything, and one that stops too early', { timeout: 240_000 }, async () => {
    const source = readFileSync(join(import.meta.dirname, '../../lessons/07-images/solution.ts'), 'utf8').replace(
      /from '\.\/tar\.js'/,
      `from ${url('lessons/07-images/tar.ts')}`,
    )
    const changed = async (from: string | RegExp, to: string) => {
      const text = source.replace(from, to).replace(/from '\.\.\/\.\.\/lib\/index\.js'/, `from ${url('lib/index.ts')}`)
      expect(text).not.toBe(source)
      const file = join(directory, `pull-${randomBytes(3).toString('hex')}.mts`)
      writeFileSync(file, text)
      return checkExercise(lesson.exercises.find((one) => one.id === 'pull') as Exercise, file)
    }
    expect(await changed(/return undefined/, 'void 0')).toMatchObject({ passed: false, hint: 2 })
    expect(await changed(/layers\.push\(gunzipSync\(bytes\)\)/, 'if (layers.length === 0) layers.push(gunzipSync(bytes))')).toMatchObject({
      passed: false,
      hint: 3,
    })
    expect(await changed(/if \(!name\.startsWith\(MARK\)\)/, 'if (name)')).toMatchObject({ passed: false, hint: 4 })
    expect(await changed(/, chmod\(place, mode\)/, '')).toMatchObject({ passed: false, hint: 6 })
  })

  requires('command:docker-registry')('a push that is not whole', { timeout: 240_000 }, async () => {
    expect(await verdictOn('push', 'return []')).toMatchObject({ passed: false, hint: 1, saw: [expect.stringMatching(/answers 404/)] })
    expect(await verdictOn('push', 'return solution.push({ ...given, command: "/other" })')).toMatchObject({ passed: false, hint: 4 })
    expect(await verdictOn('push', 'return solution.push({ ...given, path: "elsewhere" })')).toMatchObject({ passed: false, hint: 3 })
  })
})

describe('the lesson’s archives', () => {
  test('tar reads what it packs, and it reads what tar packs', async () => {
    const place = mkdtempSync(join(tmpdir(), 'drydock-tar-'))
    try {
      const archive = join(place, 'layer.tar')
      writeFileSync(archive, pack(LOWER))
      const { stdout } = await execa('tar', ['-tvf', archive, '--numeric-owner'])
      expect(stdout.split('\n').length).toBe(LOWER.length)
      expect(stdout).toMatch(/^hrw-r--r-- 0\/0 .* bin\/wheel link to bin\/helm$/m)
      await execa('tar', ['-xf', archive, '-C', place, '--no-same-owner'])
      expect(statSync(join(place, 'bin/wheel')).ino).toBe(statSync(join(place, 'bin/helm')).ino)
      expect(readdirSync(join(place, 'log'))).toEqual(['1912'])
      await execa('tar', ['--format=ustar', '-cf', archive, '-C', place, 'cargo', 'motd'])
      expect(entries(readFileSync(archive)).map(({ path, type, content }) => [path, type, content.toString()])).toEqual([
        ['cargo/', 'dir', ''],
        ['cargo/coal', 'file', 'twelve tons\n'],
        ['motd', 'file', 'Welcome aboard.\n'],
      ])
    } finally {
      rmSync(place, { recursive: true })
    }
  })

  test('an attribute comes back, and a damaged header does not pass', () => {
    const packed = pack([{ path: 'file', type: 'file', content: 'text', xattrs: { 'user.note': 'of\nlines' } }])
    expect(entries(packed)[0]).toMatchObject({ path: 'file', xattrs: { 'user.note': 'of\nlines' } })
    const changed = Buffer.from(packed)
    changed.writeUInt8(0x41, 1024)
    expect(() => entries(changed)).toThrow('the header at byte 1024 is damaged')
    expect(() => entries(packed.subarray(0, 1538))).toThrow('ends in the middle')
  })

  test('the same files make the same digests', () => {
    expect(hull().manifest.descriptor.digest).toBe(hull().manifest.descriptor.digest)
    expect(hull('other').manifest.descriptor.digest).not.toBe(hull().manifest.descriptor.digest)
  })

  requires('command:docker-registry', 'command:skopeo')(
    'skopeo finds nothing amiss with the lesson’s image',
    { timeout: 120_000 },
    async () => {
      const bottle = await Bottle.open({ name: 'bottle' })
      const place = mkdtempSync(join(tmpdir(), 'drydock-skopeo-'))
      try {
        await quietRegistry(bottle, '/registry.sock')
        await publish(await bottle.shim(), { path: '/registry.sock' }, 'harbour/hull:latest', hull())
        expect(
          askedFor(bottle)
            .filter((line) => line.startsWith('PUT'))
            .every((line) => line.endsWith(' 201')),
        ).toBe(true)
        const { proxyTo } = await import('../../lessons/07-images/proxy.js')
        const proxy = await proxyTo(bottle.hostPath('/registry.sock'))
        try {
          const source = `docker://${proxy.url.replace('http://', '')}/harbour/hull:latest`
          const { stdout } = await execa('skopeo', ['inspect', '--tls-verify=false', source])
          expect(JSON.parse(stdout)).toMatchObject({ Digest: hull().manifest.descriptor.digest, Os: 'linux' })
          await execa('skopeo', ['copy', '--src-tls-verify=false', source, `dir:${place}`])
          expect(digestOf(readFileSync(join(place, 'manifest.json')))).toBe(hull().manifest.descriptor.digest)
        } finally {
          await proxy.close()
        }
      } finally {
        rmSync(place, { recursive: true, force: true })
        await bottle.close()
      }
    },
  )
})

describe('where the foreign distribution comes from', () => {
  /** Not below /tmp, of which a bottle has its own. */
  const home = mkdtempSync('/var/tmp/drydock-lesson-7-')
  afterAll(() => rmSync(home, { recursive: true, force: true }))

  requires('command:docker-registry')('from what npm run registry has filled, or from one that runs', { timeout: 240_000 }, async () => {
    const kept = process.env.DRYDOCK_DATA_ROOT
    process.env.DRYDOCK_DATA_ROOT = join(home, 'data')
    const server = await startServer(findCommand('docker-registry') as string, { address: '127.0.0.1', port: await freePort() })
    try {
      buildUserland(join(home, 'tree'), { name: 'Lifeboat of the test', programs: ['sh', 'uname', 'sleep', 'cat'] })
      await archiveTree(join(home, 'tree'), join(home, 'lifeboat.tar'))
      await publishPacked(server.url, LIFEBOAT, 'latest', await imageOfTree(join(home, 'lifeboat.tar'), {}, 'a test'))
      expect(await playForeign()).toMatch(/has the files of your.*Lifeboat of the test/s)
      process.env.DRYDOCK_DATA_ROOT = join(home, 'other')
      process.env.DRYDOCK_REGISTRY = server.url
      expect(await playForeign()).toMatch(/from the one in the room.*Lifeboat of the test/s)
    } finally {
      await server.stop()
      await endHostSpawner()
      delete process.env.DRYDOCK_REGISTRY
      if (kept === undefined) delete process.env.DRYDOCK_DATA_ROOT
      else process.env.DRYDOCK_DATA_ROOT = kept
    }
  })
})

/** What the scene shows when nobody is asked; it throws for what goes wrong in it. */
async function playForeign(): Promise<string> {
  const { display, written } = writtenDisplay()
  const stage = new LessonStage({ ground: await oneBottle(), lesson, scene: { heading: 'alone' }, display, guide: new AutoGuide(display) })
  try {
    await foreign(stage)
  } finally {
    await stage.close()
  }
  return written()
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

requires('command:docker-registry', 'user-namespaces')(
  'at a terminal: steps, an answer to a question, what was measured, and away',
  { timeout: 240_000 },
  () =>
    playAtTerminal({
      number: 7,
      begins: '1 of 11',
      after: 'What it names',
      shows: ['Docker-Distribution-Api-Version: registry/2.0'],
    }),
)
