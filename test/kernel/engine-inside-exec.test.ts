/** docker exec: what a further program sees, what it may, its streams, its end; and what becomes of it when the container or the engine ends. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { startExec } from '../../lib/container/index.js'
import type { Engine } from '../../lib/engine/index.js'
import { runDirectory } from '../../lib/kernel/places.js'
import { readStatus } from '../../lib/kernel/proc/status.js'
import { body, enginePlace, type Place, textOf } from '../support/engine.js'
import { program } from '../support/private-host.js'
import { requires } from '../support/requires.js'

const test = requires('root', 'command:busybox')

let place: Place
let engine: Engine
let box: string
beforeAll(async () => {
  place = await enginePlace(['ENV A=1 B=2', 'WORKDIR /tmp', 'USER 12:34'])
  engine = await place.open()
  box = await running(['sleep', '1000'])
})
afterAll(async () => {
  await engine?.close()
  await place?.remove()
})

const STREAMS = { AttachStdout: true, AttachStderr: true }

async function running(cmd: readonly string[], more: Record<string, unknown> = {}, host: Record<string, unknown> = {}): Promise<string> {
  const { Id } = await engine.containers.create(body(cmd, more, host), {})
  await engine.containers.start(Id)
  return Id
}

const made = async (container: string, Cmd: readonly string[], more: Record<string, unknown> = {}) =>
  (await engine.execs.create(container, { Cmd, ...STREAMS, ...more })).Id

const inspected = async (id: string) => (await engine.execs.inspect(id)) as Record<string, unknown>

/** To its end: what it said, and its exit code. */
async function ran(container: string, cmd: readonly string[], more: Record<string, unknown> = {}, input?: string) {
  const id = await made(container, cmd, { ...more, ...(input !== undefined && { AttachStdin: true }) })
  const attached = await engine.execs.start(id, {})
  const { stream, tty } = attached as NonNullable<typeof attached>
  if (input !== undefined) stream.end(input)
  const said = await textOf(stream, tty)
  const { ExitCode } = await inspected(id)
  return { ...said, code: ExitCode }
}

/** Those of one exec, with the exit code where there is one. */
async function eventsOf(id: string): Promise<string[]> {
  const found: string[] = []
  const past = { since: 0n, until: 2n ** 62n, filters: new Map(), signal: AbortSignal.abort() }
  for await (const { Action, Actor } of engine.events.stream(past)) {
    const { execID, exitCode } = Actor.Attributes
    if (execID === id) found.push(exitCode === undefined ? Action : `${Action} ${exitCode}`)
  }
  return found
}

const sh = (script: string, more: Record<string, unknown> = {}) => ran(box, ['sh', '-c', script], more)

describe('what it is', () => {
  test('in the namespaces, the cgroups, the directory and with the rights of the container’s own program', async () => {
    const { pid } = engine.context.containers.find(box)
    const own = await inspectedProcess(pid as number)
    const id = await made(box, ['sleep', '1000'])
    await engine.execs.start(id, { Detach: true })
    const further = await inspectedProcess((await inspected(id)).Pid as number)
    expect(further).toEqual(own)
  })

  test('the environment is the container’s, with its own over it', async () => {
    const { stdout } = await sh('echo $A-$B-$C-$HOME-$HOSTNAME-$TERM; pwd', { Env: ['A=x', 'C=3', 'B'] })
    expect(stdout).toBe(`x--3-/-${box.slice(0, 12)}-\n/tmp\n`)
  })

  test('another user, by the names of the image; another directory; all capabilities', async () => {
    const root = await sh('id -u; id -G; pwd; grep CapEff /proc/self/status', { User: '0', WorkingDir: '/etc', Privileged: true })
    const { capabilities } = readStatus('self') ?? {}
    const all = capabilities && (capabilities.permitted.bits & capabilities.bounding.bits).toString(16).padStart(16, '0')
    expect(root.stdout).toBe(`0\n0\n/etc\nCapEff:\t${all}\n`)
    expect((await sh('id -u; id -G', { User: '7:8' })).stdout).toBe('7\n8\n')
    // A filter of system calls is the container's, whatever capabilities there are.
    expect((await sh('grep Seccomp: /proc/self/status', { User: '0', Privileged: true })).stdout).toBe('Seccomp:\t2\n')
  })

  test('its own memory is no other process’s, and it hears no signal of the engine’s terminal', async () => {
    const { stdout } = await sh(
      'cut -d" " -f1,4,5,6 /proc/self/stat | { read pid ppid group session; test $ppid = $session && echo leader; }',
    )
    expect(stdout).toBe('leader\n')
  })

  test('until it is the program no process of the container can look into it, with the same user and the same rights', async () => {
    const spec = {
      container: engine.context.containers.find(box).record.spec,
      argv: ['sleep', '1000'],
      env: [],
      user: '0',
      cwd: '',
      privileged: false,
      stdin: false,
    }
    const look = async (pid: number) => {
      const own = /^NSpid:.*\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      // That there are descriptors may be seen; what they are may not, and so they cannot be opened either.
      return (await sh(`for fd in /proc/${own}/fd/*; do readlink $fd; done | wc -l; readlink /proc/${own}/exe || echo none`, { User: '0' }))
        .stdout
    }
    const seen: string[] = []
    const newShim = async () => {
      const shim = await engine.context.newShim()
      const attempt = shim.attempt.bind(shim)
      shim.attempt = async (steps) => {
        const cut = steps.findIndex(({ call }) => call === 'execve')
        if (cut === -1) return attempt(steps)
        const before = await attempt(steps.slice(0, cut))
        seen.push(await look(shim.childPid as number))
        return [...before, ...(await attempt(steps.slice(cut)))]
      }
      return shim
    }
    const { shim, pid } = await startExec({
      newShim,
      spec,
      machine: engine.context.machine,
      pid: engine.context.containers.find(box).pid as number,
    })
    seen.push(await look(pid))
    await shim.rollback()
    expect(seen).toEqual(['0\nnone\n', '3\n/bin/busybox\n'])
  })

  test('no descriptor of the engine’s is open in it', async () => {
    expect((await sh('ls /proc/self/fd | sort | tr "\\n" " "')).stdout).toBe('0 1 2 3 ')
  })
})

/** What two processes of one container have in common. */
async function inspectedProcess(pid: number) {
  const { stdout } = await execa('sh', [
    '-c',
    `for kind in cgroup ipc mnt net pid uts user; do readlink /proc/${pid}/ns/$kind; done
     cat /proc/${pid}/cgroup /proc/${pid}/limits /proc/${pid}/oom_score_adj
     grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Sig[IC])' /proc/${pid}/status
     readlink /proc/${pid}/root /proc/${pid}/cwd`,
  ])
  return stdout.split('\n')
}

describe('its streams', () => {
  test('both outputs are apart, and what is typed is its input', async () => {
    expect(await ran(box, ['sh', '-c', 'cat; echo err >&2; exit 7'], {}, 'typed')).toEqual({ stdout: 'typed', stderr: 'err\n', code: 7 })
  })

  test('only what is asked for is attached', async () => {
    const id = await made(box, ['sh', '-c', 'echo out; echo err >&2'], { AttachStdout: false })
    const attached = await engine.execs.start(id, {})
    expect(await textOf((attached as { stream: Duplex }).stream)).toEqual({ stdout: '', stderr: 'err\n' })
  })

  test('no byte is lost, however much there is and however short it lives', async () => {
    const { stdout, code } = await ran(box, ['sh', '-c', 'yes 0123456 | head -c 8000000'])
    expect([stdout.length, code]).toEqual([8_000_000, 0])
    for (let i = 0; i < 20; i++) expect(await ran(box, ['sh', '-c', 'echo x'])).toEqual({ stdout: 'x\n', stderr: '', code: 0 })
  })

  test('many at once, that say nothing or a word: each has its own, and its end', async () => {
    const rounds = Number(process.env.DRYDOCK_ROUNDS ?? 15)
    const one = async (word: string) => {
      for (let round = 0; round < rounds; round++) {
        expect(await ran(box, ['true'])).toEqual({ stdout: '', stderr: '', code: 0 })
        expect(await ran(box, ['sh', '-c', `echo ${word}; exit 3`])).toEqual({ stdout: `${word}\n`, stderr: '', code: 3 })
      }
    }
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(one))
  })

  test('a terminal of its own, of the size that was asked for, in the container’s devpts', async () => {
    const { stdout, code } = await sh('tty; stty size; echo $TERM; test -w /dev/tty && echo mine', {
      Tty: true,
      ConsoleSize: [33, 101],
      User: '5',
    })
    expect([stdout, code]).toEqual(['/dev/pts/0\r\n33 101\r\nxterm\r\nmine\r\n', 0])
  })

  test('a resize waits for the program, and reaches it', async () => {
    const script =
      'echo ready; for wanted in "40 120" "41 121"; do until [ "$(stty size)" = "$wanted" ]; do sleep 0.01; done; echo $wanted; done'
    const id = await made(box, ['sh', '-c', script], { Tty: true, AttachStdin: true })
    const resized = engine.execs.resize(id, 40, 120)
    const attached = await engine.execs.start(id, { ConsoleSize: [1, 1] })
    await resized
    const { stream } = attached as NonNullable<typeof attached>
    let said = ''
    for await (const bytes of stream) {
      said += bytes
      if (said.endsWith('40 120\r\n')) await engine.execs.resize(id, 41, 121)
    }
    expect(said).toBe('ready\r\n40 120\r\n41 121\r\n')
    await expect(engine.execs.resize(id, 1, 1)).rejects.toMatchObject({ status: 404, message: 'no such exec' })
  })

  test('the keys that leave end its output and not the program', async () => {
    const id = await made(box, ['sh', '-c', 'read a; echo got $a; sleep 1000'], { Tty: true, AttachStdin: true, DetachKeys: 'ctrl-a,x' })
    const attached = await engine.execs.start(id, {})
    const { stream } = attached as NonNullable<typeof attached>
    stream.write('hello\n')
    let said = ''
    for await (const bytes of stream) {
      said += bytes
      if (said.includes('got')) stream.write('\x01x')
    }
    expect(said).toContain('got hello')
    expect(await inspected(id)).toMatchObject({ Running: true, DetachKeys: 'AXg=' })
    expect((await eventsOf(id)).slice(2)).toEqual(['exec_detach'])
  })

  test('who goes away leaves it running, and loses it nothing that others would miss', async () => {
    const id = await made(box, ['sh', '-c', 'while echo x; do :; done; sleep 1000'])
    const attached = await engine.execs.start(id, {})
    attached?.stream.destroy()
    expect(await inspected(id)).toMatchObject({ Running: true })
  })
})

describe('what is told', () => {
  test('Docker’s document, before and after; the events', async () => {
    const id = await made(box, ['sh', '-c', 'exit 3'], { User: '0', Tty: true })
    expect(engine.context.containers.find(box).execs.has(id)).toBe(true)
    const config = { tty: true, entrypoint: 'sh', arguments: ['-c', 'exit 3'], privileged: false, user: '0' }
    const constant = {
      ID: id,
      ProcessConfig: config,
      OpenStdin: false,
      OpenStderr: true,
      OpenStdout: true,
      ContainerID: box,
      DetachKeys: '',
    }
    expect(await inspected(id)).toEqual({ ...constant, Running: false, ExitCode: null, CanRemove: false, Pid: 0 })
    const attached = await engine.execs.start(id, {})
    expect(await inspected(id)).toMatchObject({ ...constant, Pid: expect.any(Number) })
    await textOf((attached as { stream: Duplex }).stream, true)
    expect(await inspected(id)).toMatchObject({ ...constant, Running: false, ExitCode: 3 })
    expect(engine.context.containers.find(box).execs.has(id)).toBe(false)
    expect(await eventsOf(id)).toEqual(['exec_create: sh -c exit 3', 'exec_start: sh -c exit 3', 'exec_die 3'])
  })

  const failure = 'OCI runtime exec failed: exec failed: unable to start container process: '
  for (const [what, cmd, more, code, sentence] of [
    ['no such program', ['nosuch'], {}, 127, 'exec: "nosuch": executable file not found in $PATH: unknown'],
    ['no such path', ['/no/such'], {}, 127, 'exec: "/no/such": stat /no/such: no such file or directory: unknown'],
    ['not executable', ['/etc/passwd'], {}, 126, 'exec: "/etc/passwd": permission denied: unknown'],
    ['a directory', ['/etc'], {}, 126, 'exec: "/etc": permission denied: unknown'],
    [
      'no such directory',
      ['true'],
      { WorkingDir: '/no' },
      127,
      'chdir to cwd ("/no") set in config.json failed: no such file or directory: unknown',
    ],
  ] as const) {
    test(`a failure: ${what}`, async () => {
      const id = await made(box, cmd, { User: '0', ...more })
      await expect(engine.execs.start(id, {})).rejects.toMatchObject({ status: 400, message: failure + sentence })
      expect(await inspected(id)).toMatchObject({ Running: false, ExitCode: code })
      await expect(engine.execs.start(id, {})).rejects.toMatchObject({ status: 409, message: `Error: Exec command ${id} has already run` })
    })
  }

  test('what cannot be asked for', async () => {
    await expect(made(box, [])).rejects.toMatchObject({ status: 400, message: 'No exec command specified' })
    await expect(made(box, ['true'], { Env: 'A=1' })).rejects.toMatchObject({ status: 400 })
    await expect(made(box, ['true'], { DetachKeys: 'ctrl-ä' })).rejects.toMatchObject({ status: 400 })
    await expect(made(box, ['true'], { WorkingDir: 'tmp' })).rejects.toMatchObject({ status: 400 })
    await expect(made('nosuch', ['true'])).rejects.toMatchObject({ status: 404, message: 'No such container: nosuch' })
    for (const ask of [engine.execs.inspect('abc'), engine.execs.start('abc', {}), engine.execs.resize('abc', 1, 1)]) {
      await expect(ask).rejects.toMatchObject({ status: 404, message: 'No such exec instance: abc' })
    }
    await expect(sh('true', { User: 'nobody-here' })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('unable to find user nobody-here'),
    })
    const id = await made(box, ['sleep', '1000'])
    await engine.execs.start(id, { Detach: true })
    await expect(engine.execs.start(id, {})).rejects.toMatchObject({ status: 409, message: `Error: Exec command ${id} is already running` })
  })
})

describe('the container', () => {
  test('paused: nothing is begun in it', async () => {
    const id = await running(['sleep', '1000'])
    const exec = await made(id, ['true'])
    await engine.containers.pause(id)
    const paused = { status: 409, message: `Container ${id} is paused, unpause the container before exec` }
    await expect(made(id, ['true'])).rejects.toMatchObject(paused)
    await expect(engine.execs.start(exec, {})).rejects.toMatchObject(paused)
    await engine.containers.unpause(id)
    expect(await textOf((await started(exec)).stream)).toEqual({ stdout: '', stderr: '' })
  })

  test('ended: what ran in it has ended, what had not begun is gone, and when it is removed all is', async () => {
    const id = await running(['sleep', '1000'])
    const ran = await made(id, ['sh', '-c', 'echo before; sleep 1000'])
    const never = await made(id, ['true'])
    const { stream } = await started(ran)
    const said = textOf(stream)
    await engine.containers.kill(id)
    expect(await said).toEqual({ stdout: expect.stringMatching(/^(before\n)?$/), stderr: '' })
    expect(await inspected(ran)).toMatchObject({ Running: false, ExitCode: 137 })
    await expect(inspected(never)).rejects.toMatchObject({ status: 404, message: `No such exec instance: ${never}` })
    await expect(made(id, ['true'])).rejects.toMatchObject({ status: 409, message: `Container ${id} is not running` })
    await engine.containers.remove(id, {})
    await expect(inspected(ran)).rejects.toMatchObject({ status: 404 })
    expect(readdirSync(runDirectory()).filter((name) => name.includes(ran.slice(0, 24)))).toEqual([])
  })

  test('dying at the very moment: it has run, or docker’s sentence is the answer', async () => {
    const rounds = Number(process.env.DRYDOCK_ROUNDS ?? 10)
    for (let round = 0; round < rounds; round++) {
      const id = await running(['sleep', '1000'])
      const exec = await made(id, ['sh', '-c', 'echo x'])
      const dying = engine.containers.kill(id)
      const answer = await engine.execs.start(exec, {}).then(
        (attached) => textOf((attached as { stream: Duplex }).stream),
        (error: Error) => error,
      )
      await dying
      if (answer instanceof Error) {
        expect(answer).toMatchObject({
          message: expect.stringMatching(`^(Container ${id} is not running|No such exec instance: ${exec})$`),
        })
      } else {
        expect(['x\n', '']).toContain(answer.stdout)
        expect((await inspected(exec)).ExitCode).toEqual(answer.stdout === '' ? 137 : expect.any(Number))
      }
      await engine.containers.remove(id, { force: true })
    }
  })
})

async function started(id: string) {
  const attached = await engine.execs.start(id, {})
  return attached as NonNullable<typeof attached>
}

describe('the engine', () => {
  test('killed: execs run on, and the next engine knows what they are and how they end', async () => {
    const apart = await enginePlace()
    const child = execa(...split(program('exec-and-wait', apart.root)), { stdin: 'ignore', reject: false })
    const [line] = (await new Promise<string>((resolve) => child.stdout.once('data', (bytes) => resolve(String(bytes))))).split('\n')
    const { container, endless, short, ready } = JSON.parse(line as string) as Record<string, string>
    child.kill('SIGKILL')
    await child
    const next = await apart.open()
    try {
      expect(await next.execs.inspect(endless as string)).toMatchObject({ Running: true, ExitCode: null, ContainerID: container })
      expect(await next.execs.inspect(ready as string)).toMatchObject({ Running: false, ExitCode: null })
      // It waits for a file; the exit code that its shim has written or will write is the same.
      writeFileSync(join(`/proc/${next.context.containers.find(container as string).pid}/root`, 'go'), '')
      await until(async () => (await next.execs.inspect(short as string)).ExitCode === 9)
      await next.execs.start(ready as string, { Detach: true })
      await until(async () => (await next.execs.inspect(ready as string)).ExitCode === 4)
      await next.containers.kill(container as string)
      expect(await next.execs.inspect(endless as string)).toMatchObject({ Running: false, ExitCode: 137 })
    } finally {
      await next.close()
      await apart.remove()
    }
  })
})

const split = ([file, ...args]: readonly string[]): [string, string[]] => [file as string, args]

/** Nothing tells of the end of an exec that nobody is attached to but its event, and that is the engine's. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5))
}
