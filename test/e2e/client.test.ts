/** drydock's command line as the client of an engine: Docker's own, and ours. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { ClientHost, type EngineName, NEEDS } from '../support/client-host.js'
import { DRYDOCK, program } from '../support/private-host.js'
import { missing, requires } from '../support/requires.js'

/** For what surely comes, on a busy machine too. Milliseconds. */
const PATIENT = { timeout: 60_000 }

const QUIET = ['--rm', '--network', 'none'] as const

describe.each<EngineName>(['dockerd', 'drydock'])('with %s', (name) => {
  const test = requires(...NEEDS[name])
  let at: ClientHost

  beforeAll(async () => {
    if (missing(NEEDS[name]).length === 0) at = await ClientHost.open(name)
  }, 180_000)

  afterAll(() => at?.close(), 180_000)

  const said = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await at.run(args)
    return { exitCode, stdout, stderr }
  }

  test('a program’s two outputs, its input to its end, its status', async () => {
    const script = 'cat; echo complaint >&2; echo after; exit 7'
    const { exitCode, stdout, stderr } = await at.run(['run', '-i', ...QUIET, 'box', 'sh', '-c', script], { input: 'fed\n' })
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 7, stdout: 'fed\nafter', stderr: 'complaint' })
    // Without -i there is no input, and it does not wait for any.
    expect(await said('run', ...QUIET, 'box', 'cat')).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  })

  test('much output comes whole and in order', async () => {
    const script = 'i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done'
    const stdout = await at.ask('run', ...QUIET, 'box', 'sh', '-c', script)
    expect(stdout.split('\n')).toEqual(Array.from({ length: 20_000 }, (_, line) => `line ${line}`))
  })

  test('127 no such program, 126 none that can be executed, 125 no container; --rm leaves nothing', async () => {
    const absent = await said('run', ...QUIET, 'box', 'nothere')
    expect(absent).toMatchObject({ exitCode: 127, stdout: '' })
    expect(absent.stderr).toMatch(/^drydock: Error response from daemon: .*nothere.*\n\nRun 'drydock run --help' for more information$/s)
    expect(await said('run', ...QUIET, 'box', '/etc')).toMatchObject({ exitCode: 126, stdout: '' })
    expect(await said('run', ...QUIET, '--memory', '1m', 'box')).toMatchObject({ exitCode: 125, stdout: '' })
    expect(await said('run', '--pull', 'never', 'nowhere/nothing')).toMatchObject({ exitCode: 125, stdout: '' })
    expect(await at.ask('ps', '-aq')).toBe('')
  })

  test('an image that is missing is asked for, and that is said', async () => {
    const { exitCode, stderr } = await said('run', ...QUIET, '127.0.0.1:1/nobody/nothing')
    expect(exitCode).toBe(125)
    expect(stderr).toMatch(/^Unable to find image '127\.0\.0\.1:1\/nobody\/nothing:latest' locally\ndrydock: Error response from daemon: /)
  })

  test('behind: logs, exec, top, pause, limits, names, the end', async () => {
    const script = 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.1; done'
    const id = await at.ask(
      'run',
      '-d',
      '--network',
      'none',
      '--name',
      'one',
      '-l',
      'kind=test',
      '-e',
      'MORE=yes',
      'box',
      'sh',
      '-c',
      script,
    )
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    await expect.poll(() => at.ask('logs', 'one'), PATIENT).toBe('ready')
    expect(await at.ask('ps', '--format', '{{.ID}} {{.Image}} {{.Names}} {{.Label "kind"}} {{.State}}')).toBe(
      `${id.slice(0, 12)} box one test running`,
    )
    expect(await at.ask('exec', 'one', 'sh', '-c', 'echo $FLAG $MORE')).toBe('up yes')
    expect(
      (await at.run(['exec', '-i', '-w', '/tmp', '-e', 'A=1', 'one', 'sh', '-c', 'cat; pwd; echo $A; exit 4'], { input: 'in\n' })).stdout,
    ).toBe('in\n/tmp\n1')
    expect(await said('exec', 'one', 'sh', '-c', 'echo no >&2; exit 4')).toEqual({ exitCode: 4, stdout: '', stderr: 'no' })
    // Docker's runtimes do not agree on which of the two it is.
    expect([126, 127]).toContain((await said('exec', 'one', 'nothere')).exitCode)
    expect(await said('exec', '-d', 'one', 'touch', '/tmp/made')).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    await expect.poll(() => at.ask('diff', 'one'), PATIENT).toContain('A /tmp/made')
    expect(await at.ask('top', 'one')).toMatch(/^UID +PID .*CMD\n.* sh -c trap/)
    expect(await at.ask('pause', 'one')).toBe('one')
    expect(await at.ask('inspect', '-f', '{{.State.Status}}', 'one')).toBe('paused')
    expect(await said('exec', 'one', 'true')).toMatchObject({ exitCode: 1, stdout: '' })
    expect(await at.ask('unpause', 'one')).toBe('one')
    expect(await at.ask('update', '--pids-limit', '50', 'one')).toBe('one')
    expect(await at.ask('inspect', '-f', '{{.HostConfig.PidsLimit}}', 'one')).toBe('50')
    expect(await at.ask('rename', 'one', 'two')).toBe('')
    const [waited, stopped] = await Promise.all([at.ask('wait', 'two'), at.ask('stop', '-t', '20', 'two')])
    expect({ waited, stopped }).toEqual({ waited: '3', stopped: 'two' })
    expect(await at.ask('logs', '--tail', '1', 'two')).toBe('bye')
    expect(await at.ask('ps', '-a', '--format', '{{.Status}}')).toMatch(/^Exited \(3\)/)
    expect(await at.ask('start', 'two')).toBe('two')
    expect(await at.ask('kill', '-s', 'KILL', 'two')).toBe('two')
    expect(await said('rm', '-f', 'two', 'nobody')).toEqual({
      exitCode: 0,
      stdout: 'two',
      stderr: 'Error response from daemon: No such container: nobody',
    })
  })

  test('a file has the id; made and started on its own, with what it prints', async () => {
    const id = await at.ask(
      'create',
      '--cidfile',
      '/run/engine/id',
      '-i',
      '--network',
      'none',
      '--name',
      'made',
      'box',
      'sh',
      '-c',
      'cat; exit 2',
    )
    expect(readFileSync(at.path('/run/engine/id'), 'utf8')).toBe(id)
    expect(await said('create', '--cidfile', '/run/engine/id', 'box')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('container ID file found'),
    })
    expect(await at.run(['start', '-ai', 'made'], { input: 'through\n' })).toMatchObject({ exitCode: 2, stdout: 'through' })
    expect(await said('start', 'nobody')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('Error: failed to start containers: nobody'),
    })
    expect(await at.ask('container', 'prune', '-f')).toMatch(new RegExp(`^Deleted Containers:\n${id}\n\nTotal reclaimed space: \\d`))
  })

  test('signals that come to the client go to the container', async () => {
    const program = 'trap "echo got; exit 5" USR1; echo ready; while :; do sleep 0.05; done'
    const script = `"$@" > /run/engine/said & client=$!
until grep -q ready /run/engine/said; do sleep 0.02; done
kill -USR1 $client
wait $client; echo "status $?"; cat /run/engine/said`
    const client = [process.execPath, DRYDOCK, 'run', ...QUIET, 'box', 'sh', '-c', program]
    const { stdout } = await at.host.run(['sh', '-c', script, 'sh', ...client], { env: at.environment, extendEnv: false })
    expect(stdout).toBe('status 5\nready\ngot')
  })

  test('a terminal: its size, Ctrl-C, left and come back to, a second program on one of its own', async () => {
    const session = at.terminal('run', '-it', ...QUIET, '--name', 'boat', '-e', 'PS1=inside# ', 'box', 'sh')
    await session.see('inside# ')
    // Docker's daemon is told the size when the program runs.
    session.type('until [ "$(stty size)" = "40 80" ]; do :; done; stty size; test -t 0 && echo term""inal\r')
    await session.see('40 80\nterminal\n')
    // A key is a signal from the moment on in which the shell has given the terminal to its job.
    session.type('sh -c "echo be\'\'gun; exec sleep 1000"\r')
    await session.see('begun')
    session.type('\x03')
    await session.see('inside# ')
    session.resize(100, 30)
    session.type('while [ "$(stty size)" != "30 100" ]; do :; done; echo resi""zed; word=kept\r')
    await session.see('resized')
    await session.see('inside# ')
    session.type('\x10\x11')
    expect(await session.ended()).toBe(0)
    expect(await at.ask('ps', '--format', '{{.Names}} {{.State}}')).toBe('boat running')
    const second = at.terminal('exec', '-it', '-e', 'PS1=beside# ', 'boat', 'sh')
    await second.see('beside# ')
    second.type('until [ "$(stty size)" = "40 80" ]; do :; done; stty size; exit 6\r')
    await second.see('40 80\n')
    expect(await second.ended()).toBe(6)
    const again = at.terminal('attach', 'boat')
    again.type('echo "<$word>"\r')
    await again.see('<kept>')
    again.type('exit 4\r')
    expect(await again.ended()).toBe(4)
    // Who was attached does not wait for what goes with --rm.
    await expect.poll(() => at.ask('ps', '-aq')).toBe('')
  })

  test('files into a container and out of it, by the rules of cp(1); nothing is written through a link', async () => {
    const here = at.path('/run/engine/files')
    mkdirSync(`${here}/tree/deep`, { recursive: true })
    writeFileSync(`${here}/tree/deep/cargo`, 'heavy\n', { mode: 0o640 })
    writeFileSync(`${here}/one`, 'one\n')
    symlinkSync('deep/cargo', `${here}/tree/link`)
    await at.ask('create', '--network', 'none', '--name', 'hold', 'box')
    const there = '/run/engine/files'
    const copy = (...args: string[]) => at.run(['cp', ...args], { cwd: '/' })
    expect(await copy(`${there}/tree`, 'hold:/tmp')).toMatchObject({ exitCode: 0, stdout: '', stderr: '' })
    expect(await copy(`${there}/tree/.`, 'hold:/srv')).toMatchObject({ exitCode: 0 })
    expect(await copy(`${there}/one`, 'hold:/tmp/other')).toMatchObject({ exitCode: 0 })
    expect(await copy(`${there}/one`, 'hold:/nowhere/x')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('/nowhere') })
    expect(await copy(`${there}/absent`, 'hold:/')).toMatchObject({
      exitCode: 1,
      stderr: `lstat ${there}/absent: no such file or directory`,
    })
    expect(await copy('hold:/tmp/tree', `${there}/back`)).toMatchObject({ exitCode: 0 })
    expect(readFileSync(`${here}/back/deep/cargo`, 'utf8')).toBe('heavy\n')
    expect(statSync(`${here}/back/deep/cargo`).mode & 0o777).toBe(0o640)
    expect(readlinkSync(`${here}/back/link`)).toBe('deep/cargo')
    expect(await copy('hold:/srv/deep', `${there}/back`)).toMatchObject({ exitCode: 0 })
    expect(existsSync(`${here}/back/deep/cargo`)).toBe(true)
    expect(await copy('hold:/tmp/other', `${there}/back/renamed`)).toMatchObject({ exitCode: 0 })
    expect(readFileSync(`${here}/back/renamed`, 'utf8')).toBe('one\n')
    expect(await copy('hold:/tmp', `${there}/one`)).toMatchObject({ exitCode: 1, stderr: 'cannot copy directory' })
    expect(await copy('hold:/absent', there)).toMatchObject({ exitCode: 1 })
    const piped = ['sh', '-c', '"$@" | tar --list', 'sh', process.execPath, DRYDOCK, 'cp', 'hold:/tmp/tree', '-']
    const { stdout } = await at.host.run(piped, { env: at.environment, extendEnv: false })
    expect(stdout.split('\n').sort()).toEqual(['tree/', 'tree/deep/', 'tree/deep/cargo', 'tree/link'])
    await at.ask('rm', 'hold')
    expect(lstatSync(`${here}/tree/link`).isSymbolicLink()).toBe(true)
  })

  test('images: committed, tagged, told of, saved, loaded, removed', async () => {
    await at.ask('run', '--network', 'none', '--name', 'maker', 'box', 'sh', '-c', 'echo more > /made')
    const made = await at.ask('commit', '-m', 'by hand', '-c', 'CMD ["cat","/made"]', 'maker', 'harbour/gannet:v1')
    expect(made).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(await at.ask('run', ...QUIET, 'harbour/gannet:v1')).toBe('more')
    expect(await at.ask('tag', 'harbour/gannet:v1', 'heron')).toBe('')
    expect((await at.ask('images', '--format', '{{.Repository}}:{{.Tag}}')).split('\n').sort()).toEqual([
      'box:latest',
      'harbour/gannet:v1',
      'heron:latest',
    ])
    expect((await at.ask('history', '--format', '{{.Comment}}', 'heron')).split('\n')[0]).toBe('by hand')
    expect(await at.ask('image', 'inspect', '-f', '{{json .Config.Cmd}}', 'heron')).toBe('["cat","/made"]')
    expect(await said('save', '-o', '/run/engine/images.tar', 'heron')).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    expect(await at.ask('rmi', 'heron')).toBe('Untagged: heron:latest')
    await at.ask('rm', 'maker')
    expect(await at.ask('rmi', 'harbour/gannet:v1')).toContain(`Deleted: ${made}`)
    expect(await at.ask('load', '-i', '/run/engine/images.tar')).toBe('Loaded image: heron:latest')
    expect(await at.ask('rmi', '-f', 'heron', 'nobody')).toContain('Untagged: heron:latest')
    expect(await said('inspect', 'nobody')).toEqual({ exitCode: 1, stdout: '[]', stderr: 'Error: No such object: nobody' })
  })

  test('to a registry and back; to one that wants a name, when it has been told', async () => {
    const [file, ...rest] = at.host.enter(program('registries'))
    const child = spawn(file as string, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
    try {
      const { open, closed } = JSON.parse(String((await once(child.stdout, 'data'))[0])) as Record<'open' | 'closed', string>
      await at.ask('tag', 'box', `${open}/fleet/box:v1`)
      expect(await at.ask('push', `${open}/fleet/box:v1`)).toMatch(/\bv1: digest: sha256:[0-9a-f]{64} size: \d+$/)
      await at.ask('rmi', `${open}/fleet/box:v1`)
      const pulled = await at.run(['run', ...QUIET, `${open}/fleet/box:v1`, 'echo', 'here'])
      expect(pulled).toMatchObject({
        exitCode: 0,
        stdout: 'here',
        stderr: expect.stringContaining(`Unable to find image '${open}/fleet/box:v1' locally`),
      })
      expect(await at.ask('pull', '-q', `${open}/fleet/box:v1`)).toBe(`${open}/fleet/box:v1`)
      const mine = `${closed}/fleet/box`
      await at.ask('tag', 'box', mine)
      expect(await said('push', '-q', mine)).toMatchObject({ exitCode: 1, stdout: '' })
      expect(await at.run(['login', '-u', 'mate', '--password-stdin', closed], { input: 'wrong' })).toMatchObject({ exitCode: 1 })
      expect(await at.run(['login', '-u', 'mate', '--password-stdin', closed], { input: 'harbour\n' })).toMatchObject({
        exitCode: 0,
        stdout: 'Login Succeeded',
      })
      expect(await at.ask('push', '-q', mine)).toBe(`${mine}:latest`)
      expect(await said('logout', closed)).toMatchObject({ exitCode: 0 })
      await at.ask('rmi', mine, `${open}/fleet/box:v1`)
    } finally {
      child.stdin.end()
      await once(child, 'exit')
    }
  })

  test('who reads no more ends what goes on', async () => {
    await at.ask('run', '-d', '--network', 'none', '--name', 'talker', 'box', 'sh', '-c', 'while :; do echo talk; sleep 0.05; done')
    const piped = ['sh', '-c', '"$@" | head -n 1', 'sh', process.execPath, DRYDOCK, 'logs', '-f', 'talker']
    expect(await at.host.run(piped, { env: at.environment, extendEnv: false })).toEqual({ exitCode: 0, stdout: 'talk', stderr: '' })
    await at.ask('rm', '-f', 'talker')
  })

  test('networks and volumes: made, listed, used, removed', async () => {
    expect(await at.ask('network', 'create', '--subnet', '10.77.0.0/24', '--label', 'a=b', 'quay')).toMatch(/^[0-9a-f]{64}$/)
    expect(await at.ask('network', 'ls', '-f', 'label=a', '--format', '{{.Name}} {{.Driver}}')).toBe('quay bridge')
    await at.ask('run', '-d', '--name', 'moored', '--network', 'quay', '-v', 'store:/data', 'box', 'sleep', '1000')
    expect(await at.ask('inspect', '-f', '{{.NetworkSettings.Networks.quay.IPAddress}}', 'moored')).toMatch(/^10\.77\.0\./)
    expect(await said('network', 'rm', 'quay')).toMatchObject({ exitCode: 1, stdout: '' })
    expect(await at.ask('network', 'disconnect', 'quay', 'moored')).toBe('')
    expect(await at.ask('network', 'connect', '--ip', '10.77.0.9', 'quay', 'moored')).toBe('')
    expect(await at.ask('network', 'inspect', '-f', '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}', 'quay')).toBe(
      'moored 10.77.0.9/24',
    )
    expect(await said('volume', 'rm', 'store')).toMatchObject({ exitCode: 1, stdout: '' })
    expect(await at.ask('stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}}', 'moored')).toBe('moored 1')
    await at.ask('rm', '-f', 'moored')
    expect(await at.ask('volume', 'ls', '-q')).toBe('store')
    expect(await at.ask('volume', 'inspect', '-f', '{{.Driver}}', 'store')).toBe('local')
    expect(await at.ask('volume', 'create', '--label', 'x=y', 'chest')).toBe('chest')
    expect(await at.ask('volume', 'rm', 'store', 'chest')).toBe('store\nchest')
    expect(await at.ask('network', 'rm', 'quay')).toBe('quay')
  })

  test('what has happened, the two sides, how much room; refusals in docker’s words', async () => {
    await at.ask('run', ...QUIET, '--name', 'brief', 'box', 'true')
    const happened = await at.ask('events', '--since', '1m', '--until', '0s', '--filter', 'container=brief', '--format', '{{.Action}}')
    expect(happened.split('\n')).toEqual(expect.arrayContaining(['create', 'attach', 'start', 'die', 'destroy']))
    expect(await at.ask('version', '-f', '{{.Client.Os}} {{.Server.Os}}')).toBe('linux linux')
    expect(await at.ask('info', '-f', '{{.OSType}} {{.Images}}')).toBe('linux 1')
    expect(await at.ask('info')).toMatch(/^Client:\n.*\nServer:\n Containers: 0\n/s)
    expect(await at.ask('system', 'df')).toMatch(/^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages +1 +0 /)
    expect(await said('ps', '--filter', 'x')).toMatchObject({
      exitCode: 125,
      stderr: expect.stringMatching(/^invalid argument "x" for "-f, --filter" flag: /),
    })
    expect(await said('stop')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^drydock: 'drydock stop' requires at least 1 argument\n/),
    })
    expect(await said('sail')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: "drydock: unknown command: drydock sail\n\nRun 'drydock --help' for more information",
    })
    expect(await said('run', '-it', 'box')).toEqual({ exitCode: 1, stdout: '', stderr: 'the input device is not a TTY' })
  })

  test('the engine’s socket by standard input and output, either way to its end', async () => {
    const request = 'GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    const { stdout } = await at.run(['system', 'dial-stdio'], { input: request })
    expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r?\n[\s\S]*OK$/)
  })
})
