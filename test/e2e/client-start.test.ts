/** The way to an engine: one's own, which is started when it is needed, one behind ssh, one behind TLS. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'
import { DRYDOCK, onPrivateHost } from '../support/private-host.js'

const at = onPrivateHost('command:nft', 'command:openssl')
const { test } = at

const PLAIN: NodeJS.ProcessEnv = {
  ...process.env,
  DRYDOCK_ENGINE: undefined,
  DOCKER_HOST: undefined,
  DOCKER_CONTEXT: undefined,
  DOCKER_CONFIG: '/run/config',
}

const run = (args: readonly string[], more: NodeJS.ProcessEnv = {}, input?: string) =>
  at.host.run([process.execPath, DRYDOCK, ...args], { env: { ...PLAIN, ...more }, extendEnv: false, ...(input !== undefined && { input }) })

const numbers = async () => {
  const { stdout } = await at.host.run(['pgrep', '-f', 'drydock.cjs daemon'])
  return stdout.split('\n').filter((line) => line !== '')
}

test('one’s own is started when it does not run, once for two at a time, and that is said in a line', async () => {
  const both = await Promise.all([run(['ps', '-q']), run(['info', '-f', '{{.OSType}}'])])
  expect(both).toMatchObject([
    { exitCode: 0, stdout: '' },
    { exitCode: 0, stdout: 'linux' },
  ])
  const said = both.map(({ stderr }) => stderr).filter((words) => words !== '')
  expect(said.length).toBeGreaterThan(0)
  for (const words of said)
    expect(words).toMatch(/^drydock: started an engine at unix:\/\/\/run\/drydock\.sock \(log: \/run\/drydock\/engine\.log\)$/)
  // The one that came too late ends by itself.
  await expect.poll(numbers, { timeout: 60_000 }).toHaveLength(1)
  expect(await run(['ps'])).toMatchObject({ exitCode: 0, stderr: '' })
})

test('without an engine the verbs work as ever, and none is asked', async () => {
  expect(await run(['--no-engine', 'ps', '-q'])).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  const shown = await run(['run', '--rm', '--network', 'none', '--explain', '--rootfs', at.root.path, 'true'])
  expect(shown).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('None was made.') })
  const done = await run(['run', '--rm', '--network', 'none', '--rootfs', at.root.path, 'sh', '-c', 'exit 3'])
  expect(done.exitCode).toBe(3)
})

test('completion starts none', async () => {
  expect(await run(['__complete', 'container'], { DOCKER_HOST: 'unix:///run/nobody.sock' })).toEqual({
    exitCode: 0,
    stdout: '',
    stderr: '',
  })
  expect(await run(['--no-engine', '__complete', 'container'])).toMatchObject({ exitCode: 1 })
})

test('behind ssh: the program is asked for system dial-stdio over there', async () => {
  // What stands for ssh runs what it is given here, as sshd would over there.
  const bin = at.host.path('/run/bin')
  mkdirSync(bin, { recursive: true })
  const program = (name: string, script: string) => {
    writeFileSync(`${bin}/${name}`, `#!/bin/sh\n${script}\n`)
    chmodSync(`${bin}/${name}`, 0o755)
  }
  program('ssh', '[ "$1" = -G ] && exit 255\necho "$@" >> /run/asked\nfor last; do :; done\nunset DOCKER_HOST\nexec sh -c "$last"')
  program('drydock', `exec '${process.execPath}' '${DRYDOCK}' "$@"`)
  const env = { DOCKER_HOST: 'ssh://mate@harbour:2222', PATH: `/run/bin:${process.env.PATH}` }
  expect(await run(['info', '-f', '{{.OSType}}'], env)).toEqual({ exitCode: 0, stdout: 'linux', stderr: '' })
  const asked = readFileSync(at.host.path('/run/asked'), 'utf8')
  expect(asked).toMatch(/^-o ConnectTimeout=30 -T -l mate -p 2222 -- harbour sh -c /)
  // One login serves for both requests.
  expect(asked.trim().split('\n')).toHaveLength(1)
  program('ssh', 'echo "Permission denied (publickey)." >&2; exit 255')
  expect(await run(['ps'], env)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/ssh to ssh:\/\/mate@harbour:2222 has ended with 255.*\nssh said: Permission denied \(publickey\)\.$/),
  })
})
