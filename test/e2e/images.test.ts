/** The verbs about images, as a person types them, with registries on the loopback of a private host. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect } from 'vitest'
import { DRYDOCK, onPrivateHost, program } from '../support/private-host.js'
import { TerminalSession } from '../support/terminal.js'

const at = onPrivateHost('command:tar', 'command:nft')
const { test } = at

let registries: { open: string; closed: string }
let end = async () => {}

/** Tell what failed, not only that something did. */
async function drydock(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await at.host.drydock(...args)
  expect({ args, exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ args, exitCode: 0, stderr: '' })
  return stdout
}

const home = () => at.host.path('/run')

beforeAll(async () => {
  if (!at.able) return
  const [file, ...args] = at.host.enter(program('registries'))
  const child = spawn(file as string, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  registries = JSON.parse(String(line))
  end = async () => {
    child.stdin.end()
    await once(child, 'exit')
  }
  mkdirSync(join(at.root.path, 'data/deep'), { recursive: true })
  writeFileSync(join(at.root.path, 'data/deep/file'), 'cargo\n', { mode: 0o640 })
  for (const name of ['ls', 'rm', 'echo', 'env', 'pwd', 'stat']) await execa('ln', ['-sf', 'busybox', join(at.root.path, 'bin', name)])
  await execa('chown', ['7:8', join(at.root.path, 'data'), join(at.root.path, 'data/deep/file')])
  await execa('tar', ['--create', '--file', join(home(), 'root.tar'), '--numeric-owner', '--directory', at.root.path, '.'])
  const changes = [
    'ENV CARGO=tea PORT=1',
    'USER 7:8',
    'WORKDIR /work',
    'VOLUME /data',
    'EXPOSE 80',
    'LABEL deck=upper',
    'STOPSIGNAL SIGINT',
  ]
  const said = 'CMD ["sh","-c","id -u; pwd; echo $CARGO $PORT; cat /data/deep/file; stat -c %u:%a /data"]'
  await drydock('import', ...[...changes, said].flatMap((change) => ['-c', change]), '-m', 'a small boat', '/run/root.tar', 'tug')
}, 120_000)

afterAll(async () => {
  rmSync(join(home(), 'root.tar'), { force: true })
  await end()
})

test('it is listed, inspected, and tells how it was made', async () => {
  expect(await drydock('images')).toMatch(
    /^REPOSITORY {3}TAG {7}IMAGE ID {7}CREATED +SIZE\ntug {10}latest {4}[0-9a-f]{12} {3}.* ago +\S+MB$/,
  )
  expect(await drydock('images', '--format', '{{.Repository}}:{{.Tag}}')).toBe('tug:latest')
  expect(await drydock('image', 'ls', '--filter', 'label=deck=lower', '-q')).toBe('')
  expect(await drydock('inspect', '-f', '{{json .Config.Env}} {{.Config.User}} {{.Config.Labels.deck}} {{.Comment}}', 'tug')).toBe(
    '["CARGO=tea","PORT=1"] 7:8 upper a small boat',
  )
  expect((await drydock('history', 'tug')).split('\n')[1]).toMatch(/^[0-9a-f]{12} {3}.* ago +\S+MB +a small boat$/)
})

test('run as the image says: user, directory, variables; its volume begins with what the image has there, and goes with the container', async () => {
  expect(await drydock('run', '--rm', '--network', 'none', 'tug')).toBe('7\n/work\ntea 1\ncargo\n7:755')
  expect(
    await drydock(
      'run',
      '--rm',
      '--network',
      'none',
      '-e',
      'CARGO=coal',
      '-u',
      '0',
      '-w',
      '/',
      'tug',
      'sh',
      '-c',
      'id -u; pwd; env | grep CARGO',
    ),
  ).toBe('0\n/\nCARGO=coal')
  const { stdout } = await at.host.run(['ls', '/var/lib/drydock/volumes', '/var/lib/drydock/images/leases'])
  expect(stdout.replace(/^.*:$/gm, '').trim()).toBe('')
})

test('a named volume is filled once, and kept', async () => {
  const inVolume = (...words: string[]) => drydock('run', '--rm', '--network', 'none', '-u', '0', '-v', 'hold:/data', 'tug', ...words)
  expect(await inVolume('sh', '-c', 'rm /data/deep/file; ls /data')).toBe('deep')
  expect(await inVolume('ls', '/data/deep')).toBe('')
})

test('changes of a container: shown, committed, exported', async () => {
  await drydock('run', '--name', 'c1', '--network', 'none', '-u', '0', 'tug', 'sh', '-c', 'echo new > /new; rm /bin/cat')
  expect(await drydock('diff', 'c1')).toBe('C /bin\nD /bin/cat\nA /new\nA /work')
  const id = await drydock('commit', '-a', 'mate', '-m', 'painted', '-c', 'CMD ["ls","/bin/cat","/new"]', 'c1', 'tug:painted')
  expect(id).toMatch(/^sha256:[0-9a-f]{64}$/)
  expect((await at.host.drydock('run', '--rm', '--network', 'none', 'tug:painted')).stdout).toBe('/new')
  expect(await drydock('inspect', '-f', '{{.State.Status}} {{.Config.StopSignal}} {{range .Mounts}}{{.Destination}}{{end}}', 'c1')).toBe(
    'exited SIGINT /data',
  )
  expect(await drydock('ps', '-a', '--format', '{{.Names}} {{.Image}} {{.State}} {{.Labels}}')).toBe('c1 tug exited deck=upper')
  await drydock('export', '-o', '/run/c1.tar', 'c1')
  const { stdout } = await execa('tar', ['--list', '--file', join(home(), 'c1.tar')])
  expect(stdout.split('\n')).toEqual(expect.arrayContaining(['new', 'bin/busybox']))
  const taken = await at.host.drydock('rmi', 'tug:latest')
  expect(taken.stderr).toMatch(
    /^drydock: conflict: unable to remove repository reference "tug:latest" \(must force\) - container [0-9a-f]{12} is using/,
  )
  expect(taken.exitCode).toBe(1)
  await drydock('rm', '-v', 'c1')
})

test('what the image exposes is published on request, and told where', async () => {
  await drydock('run', '-d', '--name', 'port', '-P', '-u', '0', 'tug', '/bin/busybox', 'sleep', '100')
  const port = /^0\.0\.0\.0:(\d+)->80\/tcp$/.exec(await drydock('ps', '--format', '{{.Ports}}'))?.[1]
  expect(await drydock('inspect', '-f', '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}} {{.State.Status}}', 'port')).toBe(
    `${port} running`,
  )
  // It stands still meanwhile, and runs on.
  expect(await drydock('commit', 'port', 'tug:port')).toMatch(/^sha256:/)
  expect(await drydock('rmi', 'tug:port')).toContain('Untagged: tug:port')
  expect(await drydock('ps', '-q')).not.toBe('')
  await drydock('rm', '-fv', 'port')
})

test('pushed, removed, and run from the registry', async () => {
  const name = `${registries.open}/fleet/tug`
  await drydock('tag', 'tug', name)
  expect(await drydock('push', name)).toMatch(
    /^Using default tag: latest\nThe push refers to repository \[.*\]\n([0-9a-f]{12}): Preparing\n\1: Pushed\nlatest: digest: sha256:[0-9a-f]{64} size: \d+$/,
  )
  expect(await drydock('push', name)).toContain(': Layer already exists\n')
  await drydock('rmi', '-f', 'tug:painted', 'tug', name)
  expect(await drydock('images', '-q')).toBe('')
  const run = await at.host.drydock('run', '--rm', '--network', 'none', name, 'echo', 'ahoy')
  expect(run.stdout).toBe('ahoy')
  expect(run.stderr).toMatch(
    new RegExp(
      `^Unable to find image '${name}:latest' locally\nlatest: Pulling from fleet/tug\n([0-9a-f]{12}): Pulling fs layer\n(\\1: .*\n)*\\1: Pull complete\nDigest: sha256:[0-9a-f]{64}\nStatus: Downloaded newer image for ${name}:latest$`,
    ),
  )
  expect(await drydock('pull', name)).toMatch(/Status: Image is up to date for .*\n.*\/fleet\/tug:latest$/)
  expect(await drydock('pull', '-q', name)).toBe(`${name}:latest`)
  const missing = await at.host.drydock('pull', `${registries.open}/fleet/ghost:v1`)
  expect(missing).toMatchObject({ exitCode: 1, stdout: '' })
  expect(missing.stderr).toContain(`manifest for ${registries.open}/fleet/ghost:v1 not found`)
  const never = await at.host.drydock('run', '--rm', '--pull', 'never', 'ghost')
  expect(never).toMatchObject({ exitCode: 125, stderr: "drydock: No such image: ghost:latest\nSee 'drydock run --help'." })
})

test('in a terminal a layer has its line, and the last word is the image’s name', async () => {
  const name = `${registries.open}/fleet/tug`
  await drydock('rmi', '-f', name)
  const session = at.host.terminal('pull', name)
  await session.see('Using default tag: latest\n')
  await session.see('Pulling from fleet/tug')
  await session.see('Pull complete')
  await session.see(`Status: Downloaded newer image for ${name}:latest\n${name}:latest\n`)
  expect(await session.ended()).toBe(0)
  expect(session.raw).toContain('\x1b[')
})

test('saved and loaded it is the same', async () => {
  const name = `${registries.open}/fleet/tug`
  const id = await drydock('images', '-q', '--no-trunc', name)
  await drydock('save', '-o', '/run/tug.tar', name)
  await drydock('image', 'rm', '-f', name)
  expect(await drydock('load', '-i', '/run/tug.tar')).toMatch(new RegExp(`Loaded image: ${name}:latest$`))
  expect(await drydock('images', '-q', '--no-trunc', name)).toBe(id)
  const session = at.host.terminal('save', name)
  await session.see('cowardly refusing to save to a terminal. Use the -o flag or redirect')
  expect(await session.ended()).toBe(1)
  expect(await at.host.drydock('load')).toMatchObject({ exitCode: 1, stderr: 'drydock: requested load from stdin, but stdin is empty' })
})

test('logged in, as docker is; and out', async () => {
  const run = (args: string[], input?: string) =>
    at.host.run(['env', 'DOCKER_CONFIG=/run/docker', process.execPath, DRYDOCK, ...args], input === undefined ? {} : { input })
  const server = registries.closed
  expect(await run(['login', '-u', 'mate', '--password-stdin', server], 'wrong')).toMatchObject({ exitCode: 1 })
  const done = await run(['login', '-u', 'mate', '--password-stdin', server], 'harbour\n')
  expect(done).toMatchObject({ exitCode: 0, stdout: 'Login Succeeded' })
  expect(done.stderr).toContain("Your credentials are stored unencrypted in '/run/docker/config.json'")
  expect(JSON.parse(readFileSync(join(home(), 'docker/config.json'), 'utf8')).auths).toHaveProperty([server])
  expect((await run(['logout', server])).stdout).toBe(`Removing login credentials for ${server}`)
  expect(JSON.parse(readFileSync(join(home(), 'docker/config.json'), 'utf8')).auths).not.toHaveProperty([server])
})

test('asked for a name and a password, which is not shown', async () => {
  const [file, ...args] = at.host.enter(['env', 'DOCKER_CONFIG=/run/asked', process.execPath, DRYDOCK, 'login', registries.closed])
  const session = new TerminalSession(file as string, args)
  await session.see('Username: ')
  session.type('mate\r')
  await session.see('Password: ')
  session.type('harbour\r')
  await session.see('Login Succeeded')
  expect(await session.ended()).toBe(0)
  expect(session.text).not.toContain('harbour')
})

test('pruned: asked first, and told what came of it', async () => {
  const session = at.host.terminal('image', 'prune', '-a')
  await session.see('WARNING! This will remove all images without at least one container associated to them.\n')
  await session.see('Are you sure you want to continue? [y/N] ')
  session.type('n\r')
  expect(await session.ended()).toBe(0)
  expect(await drydock('images', '-q')).not.toBe('')
  expect(await drydock('image', 'prune', '-af')).toMatch(/^Deleted Images:\nuntagged: .*\n\nTotal reclaimed space: \S+MB$/s)
  expect(await drydock('images', '-aq')).toBe('')
})
