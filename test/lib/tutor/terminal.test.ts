import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { hostSnapshot } from '../../../lib/kernel/snapshot.js'
import { Progress } from '../../../lib/tutor/progress.js'
import { requires } from '../../support/requires.js'
import { type TerminalOptions, TerminalSession } from '../../support/terminal.js'
import { tracesOf } from '../../support/traces.js'

const needsBottle = requires('user-namespaces')
const root = fileURLToPath(new URL('../../../', import.meta.url))
const lessons = fileURLToPath(new URL('./fixtures/', import.meta.url))
const lib = fileURLToPath(new URL('../../../lib/index.js', import.meta.url))

const ENTER = '\r'
const CTRL_C = '\x03'

let home: string
let env: NodeJS.ProcessEnv
const sessions = new Set<TerminalSession>()
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'drydock-terminal-'))
  writeFileSync(join(home, 'package.json'), '{"type":"module"}')
  const { FORCE_COLOR: _, ...rest } = process.env
  env = {
    ...rest,
    DRYDOCK_LESSONS: lessons,
    DRYDOCK_STATE_DIR: join(home, 'state'),
    DRYDOCK_WORKSPACE: join(home, 'workspace'),
    NO_COLOR: '1',
  }
})
afterEach(async () => {
  for (const session of sessions) {
    session.kill()
    await session.ended()
  }
  sessions.clear()
  rmSync(home, { recursive: true })
})

const program = "import('./lib/tutor/main.ts').then(({ main }) => main(process.argv.slice(1))).then((status) => process.exit(status))"

function lesson(args: readonly string[], options: TerminalOptions = {}): TerminalSession {
  const session = new TerminalSession(process.execPath, ['--import', 'tsx', '-e', program, '--', ...args], { cwd: root, env, ...options })
  sessions.add(session)
  return session
}

const task = () => join(home, 'workspace/01-dock.ts')
/** Whole at once, as editors do: half of it would be another file to be checked. */
function save(body: string): void {
  writeFileSync(`${task()}.new`, `import { clone, execve, sethostname } from '${lib}'\nexport function rename({ name }) {\n${body}\n}\n`)
  renameSync(`${task()}.new`, task())
}
const progress = () => new Progress(undefined, join(home, 'state')).lesson('dock')

/** Types a key at the line of keys, once it is there. */
async function press(session: TerminalSession, key: string): Promise<void> {
  await session.see('q quit')
  session.type(key)
}

describe('a lesson on a terminal', { timeout: 240_000 }, () => {
  needsBottle('goes from the menu through a prediction, steps, explanation, look and a shell, and resumes where one left it', async () => {
    const first = lesson([])
    await first.see('1 A small dock (not begun)')
    first.type(ENTER)
    await first.see('Three scenes for the tests')
    await first.see('1 of 3: A name')
    await press(first, ENTER)
    await first.see('What do you think?')
    await first.see('the child')
    first.type(ENTER)

    await first.see('clone3({flags=uts|pidfd')
    await press(first, 'e')
    await first.see('long clone3(')
    await first.see('man 2 clone')
    await press(first, 'l')
    await first.see('there is no child')
    await press(first, ENTER)
    expect(await first.see('sethostname("inner", 5)')).toMatch(/uts namespace \d+ → \d+/)
    await press(first, 's')
    await first.see('(inside) #')
    first.type('hostname from-the-shell; exit\r')
    await press(first, 'l')
    expect(await first.see('from-the-shell')).toMatch(/host name +$/)
    await press(first, ' ')
    expect(await first.see('uname(')).toContain('host name "from-the-shell" → "inner"')
    await press(first, ' ')
    expect(await first.see('measured  the child (not what you said)')).toContain('you said  the shim')
    await press(first, 'a')
    await first.see('EEXIST: ')
    await first.see('Worth typing there:')
    await press(first, 'n')
    await first.see('2 of 3: A program')
    await press(first, 'q')
    await first.see('ok Your machine is as before')
    await first.see('npm run lesson 1')
    expect(await first.ended()).toBe(0)
    expect(progress()).toMatchObject({ scenes: ['A name'], current: 'A program', of: { scenes: 3, exercises: 1 } })

    const second = lesson(['dock'])
    await second.see('scene 2 of 3')
    await second.see('2 of 3: A program')
    await press(second, ENTER)
    await press(second, ENTER)
    expect(await second.see('3 of 3: A task')).toContain('| from program')
    await press(second, 'q')
    expect(await second.ended()).toBe(0)
  })

  needsBottle('checks an exercise at every save, gives hints, and shows the solution when asked', async () => {
    const session = lesson(['1'])
    await press(session, 'n')
    await session.see('2 of 3')
    await press(session, 'n')
    await session.see('3 of 3')
    await press(session, ENTER)
    await session.see('Before it something is shown.')
    await session.see('Exercise: A name of its own')
    await press(session, 'c')
    expect(await session.see('its host name is "bottle"')).toContain('not yet')
    await press(session, 'h')
    await session.see('Hint 1 of 3: Who keeps the host name?')

    await session.see('q quit')
    save("  return [clone('uts'), sethostname(name), execve('/bin/sleep', ['sleep' '100'])]")
    await session.see('Saved')
    await session.see('01-dock.ts:3:74')
    await session.see('does not compile')
    await session.see('q quit')
    save('  console.log("passed")\n  for (;;);')
    expect(await session.see('there is a loop in it that does not end')).toContain('| passed')
    await session.see('q quit')
    save("  return [clone('uts'), sethostname(name), execve('/bin/sleep', 'sleep')]")
    expect(await session.see('01-dock.ts:3:65: Argument of type')).toContain('TypeScript, which reads your file')
    await press(session, 'v')
    await session.see('Show the solution before')
    session.type('n')
    session.type(ENTER)

    await session.see('q quit')
    save("  return [clone('uts'), sethostname(name), execve('/bin/sleep', ['sleep', '100'])]")
    await session.see('ok passed: 3 things')
    expect(progress().exercises).toEqual(['rename'])
    await press(session, 'v')
    await session.see('The uts namespace keeps the name.')
    await session.see('q quit')
    save('  return []')
    await session.see('not yet')
    expect(progress().exercises).toEqual(['rename'])
    await press(session, ENTER)
    await session.see('ok Your machine is as before')
    await session.see('All exercises of this lesson are passed.')
    expect(await session.ended()).toBe(0)
  })

  needsBottle('starts over when it is asked to, and keeps the old file', async () => {
    const first = lesson(['1', '--reset'])
    await first.see('Start lesson 1 over?')
    first.type(CTRL_C)
    expect(await first.ended()).toBe(130)
    expect(existsSync(task())).toBe(false)

    const second = lesson(['1', '--reset', '--yes'])
    await press(second, 'q')
    await second.ended()
    expect(readFileSync(task(), 'utf8')).toContain('asked for')
    copyFileSync(join(lessons, '01-dock/solution.ts'), task())
    const third = lesson(['1', '--reset'])
    await third.see('Start lesson 1 over?')
    third.type(ENTER)
    await press(third, 'q')
    await third.ended()
    expect(readFileSync(task(), 'utf8')).toContain('asked for')
    expect(readFileSync(`${task()}.bak`, 'utf8')).toContain('The uts namespace keeps the name')
  })

  needsBottle('is opened again, when it was read to its end, at the first exercise that is open', async () => {
    const first = lesson(['1'])
    for (const place of ['1 of 3', '2 of 3', '3 of 3']) {
      await first.see(place)
      await press(first, 'n')
    }
    await first.see('Exercises still open: A name of its own.')
    expect(await first.ended()).toBe(0)
    const second = lesson(['1'])
    await second.see('You go on where the first exercise is still open: scene 3 of 3.')
    await second.see('x exercise')
    await press(second, 'x')
    await second.see('Exercise: A name of its own')
    expect(second.text, 'the rest of the scene is not played').not.toContain('Before it something is shown.')
    await press(second, 'q')
    expect(await second.ended()).toBe(0)
  })

  needsBottle('drops what was typed too early', async () => {
    const session = lesson(['1'])
    await session.see('q quit')
    session.type('nnnnnnnn')
    await session.see('2 of 3: A program')
    await press(session, 'q')
    expect(await session.ended()).toBe(0)
    expect(progress().current).toBe('A program')
  })

  needsBottle('leaves with 130 at Ctrl-C, wherever it is, and with nothing left', async () => {
    const places: ((session: TerminalSession) => Promise<unknown>)[] = [
      (session) => session.see('enter begin'),
      async (session) => {
        await press(session, ENTER)
        await session.see('What do you think?')
      },
      async (session) => {
        await press(session, 'n')
        await session.see('2 of 3')
        await press(session, ENTER)
        await session.see('enter run')
      },
      async (session) => {
        await press(session, 'n')
        await session.see('2 of 3')
        await press(session, 'n')
        await session.see('3 of 3')
        await press(session, ENTER)
        await session.see('c check now')
        session.type('c')
        await session.see('checking rename')
      },
    ]
    for (const go of places) {
      const before = await hostSnapshot({ nft: false })
      const session = lesson(['1', '--reset', '--yes'])
      await go(session)
      session.type(CTRL_C)
      expect(await session.ended()).toBe(130)
      expect(await tracesOf({ pid: session.pid, mark: home }, before)).toEqual([])
    }
  })

  needsBottle('leaves nothing when it is killed at any step', async () => {
    for (let steps = 0; steps < 5; steps++) {
      const before = await hostSnapshot({ nft: false })
      const session = lesson(['1'])
      await press(session, ENTER)
      await session.see('What do you think?')
      session.type(ENTER)
      for (let step = 0; step < steps; step++) await press(session, ENTER)
      await session.see('q quit')
      session.kill('SIGKILL')
      await session.ended()
      expect(await tracesOf({ pid: session.pid, mark: home }, before), `after ${steps} steps`).toEqual([])
    }
  })

  needsBottle('works beside another one', async () => {
    const [one, other] = [lesson(['1']), lesson(['1'])]
    for (const session of [one, other]) {
      await press(session, ENTER)
      await session.see('What do you think?')
      session.type(ENTER)
      await press(session, ENTER)
    }
    await press(one, 'q')
    await one.see('ok Your machine is as before')
    expect(await one.ended()).toBe(0)
    await press(other, ENTER)
    expect(await other.see('uname(')).toContain('→ "inner"')
    await press(other, 'q')
    await other.see('ok Your machine is as before')
    expect(await other.ended()).toBe(0)
  })

  needsBottle('reads well in plain mode and draws nothing', async () => {
    const session = lesson(['--plain', '1'])
    await session.see('Keys: enter for begin')
    session.type(ENTER)
    await session.see('1: the shim')
    await session.see('2: the child')
    await session.see('Type a number from 1 to 2')
    session.type('2\r')
    await session.see('clone3(')
    await session.see('Keys: enter for run')
    session.type('q')
    expect(await session.ended()).toBe(0)
    expect(session.text).not.toMatch(/[─│❯]/)
    // Only the line editor of the question may move the cursor.
    const aroundTheQuestion = session.raw.replace(/Type a number[\s\S]*?clone3/, '')
    expect(aroundTheQuestion).not.toContain('\x1b[')
  })

  needsBottle('fits a narrow terminal, and one that is resized', async () => {
    const session = lesson(['1'], { cols: 40 })
    await session.see('enter n h q')
    session.type(ENTER)
    await session.see('What do you think?')
    session.type(ENTER)
    await session.see('enter e l s a h q')
    session.resize(100, 30)
    // The program may hear of the first key before it hears of the size; when it has answered that, it has heard of both.
    session.type('l')
    await session.find(/enter e l s a h q|q quit/)
    session.type('l')
    await session.see('q quit')
    session.type('q')
    expect(await session.ended()).toBe(0)
  })
})
