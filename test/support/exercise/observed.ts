/** What is seen on the terminals, and held against what the machines are. */
import { expect } from 'vitest'
import type { Desk } from './desk.js'
import { done } from './hosts.js'
import type { Replay } from './replay.js'

/** A row of `info`: its value. */
export const field = (text: string, name: string): string =>
  new RegExp(`^ *${name}: (.*)$`, 'm').exec(text)?.[1] ?? `no ${name} in\n${text}`

/** Prompts as the two distributions have them: name of the user, and id of the container. */
export const PROMPTS = { first: /root@([0-9a-f]{12}):\/# $/, other: /\[root@([0-9a-f]{12}) \/\]# $/ } as const

/** What a client says that finds nobody at its socket. */
export const UNREACHED: Readonly<Record<Replay['client'], string>> = {
  docker: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
  // It would have started one, and learns that there is one already.
  drydock:
    'no engine runs at unix:///run/drydock.sock, and none can be started there: another engine uses /var/lib/drydock already. It does not listen here, or not yet: set DOCKER_HOST',
}

/** What `info` must say, held against the machine itself. */
export async function expectInfo({ hosts }: Replay, text: string, { containers, images } = { containers: 0, images: 0 }): Promise<void> {
  const [kernel, cpus, system, kibibytes] = (
    await done(
      hosts,
      'vm-1',
      '. /etc/os-release; uname -r; nproc; echo "$PRETTY_NAME"; sed -n "s/MemTotal: *\\([0-9]*\\).*/\\1/p" /proc/meminfo',
    )
  ).split('\n')
  const gibibytes = Number(kibibytes) / 1024 ** 2
  expect(
    Object.fromEntries(
      ['Containers', 'Images', 'Storage Driver', 'Docker Root Dir', 'Kernel Version', 'Operating System', 'CPUs', 'Name'].map((name) => [
        name,
        field(text, name),
      ]),
    ),
  ).toEqual({
    Containers: String(containers),
    Images: String(images),
    'Storage Driver': 'overlay2',
    'Docker Root Dir': '/var/lib/drydock',
    'Kernel Version': kernel,
    'Operating System': system,
    CPUs: cpus,
    Name: 'vm-1',
  })
  // Four significant digits, as both clients print it.
  const [, memory, unit] = /^([\d.]+)(GiB|MiB)$/.exec(field(text, 'Total Memory')) ?? []
  expect(Number(memory) / (unit === 'MiB' ? 1024 : 1)).toBeCloseTo(gibibytes, 1)
}

/** `run -it`: what is said of the image and of each of its layers in the end; then the prompt is there, and its id is returned. */
export async function run({ client }: Replay, desk: Desk, image: string, prompt: RegExp, layers: readonly string[]): Promise<string> {
  const line = `${client} run -it ${image} /bin/bash`
  const [, id = ''] = await desk.typeUntil(line, prompt)
  const said = await desk.screen(line)
  expect(said.flatMap((row) => /^[0-9a-f]{12}: (.*?) *$/.exec(row)?.[1] ?? [])).toEqual(layers)
  expect(said.filter((row) => !/^[0-9a-f]{12}: /.test(row))).toEqual([
    `Unable to find image '${image}:latest' locally`,
    `latest: Pulling from library/${image}`,
    expect.stringMatching(/^Digest: sha256:[0-9a-f]{64}$/),
    `Status: Downloaded newer image for ${image}:latest`,
    expect.stringMatching(prompt),
  ])
  return id
}

/** A line for the shell in the container, and what comes of it before the next prompt. */
export async function inside(replay: Replay, line: string, pattern: RegExp): Promise<RegExpExecArray> {
  const desk = await replay.desk('vm-2')
  const found = await desk.typeUntil(line, pattern)
  if (!PROMPTS.other.test(found[0])) await desk.find(PROMPTS.other)
  return found
}
