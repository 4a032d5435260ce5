/**
 * The article of 2015, from its first command to its last, on any two hosts; each part goes on where the one before has left them. docs/ARTICLE.md says
 * which command of then is which of now.
 */
import { expect } from 'vitest'
import type { Desk } from './desk.js'
import { done } from './hosts.js'
import type { Replay } from './replay.js'
import { EDITOR, IMAGES, packageOf, RELEASE } from './yard.js'

export interface Part {
  readonly name: string
  run(replay: Replay): Promise<void>
}

/** A row of `info`: its value. */
const field = (text: string, name: string): string => new RegExp(`^ *${name}: (.*)$`, 'm').exec(text)?.[1] ?? `no ${name} in\n${text}`

/** Prompts as the two distributions have them: name of the user, and id of the container. */
const PROMPTS = { first: /root@([0-9a-f]{12}):\/# $/, other: /\[root@([0-9a-f]{12}) \/\]# $/ } as const

export const ARTICLE: readonly Part[] = [
  {
    name: 'version tells of the client and of the server',
    async run(replay) {
      await replay.startService(replay.socket)
      const desk = await replay.desk('vm-1')
      const { text, status } = await desk.type(`${replay.client} version`)
      expect(status).toBe(0)
      const [client = '', server = ''] = text.split(/^Server:.*$/m)
      for (const part of [client, server]) {
        expect(part).toMatch(/^ *Version: +\d+\.\d+/m)
        expect(part).toMatch(/^ *API version: +1\.\d+/m)
        expect(part).toMatch(/^ *OS\/Arch: +linux\/\w+/m)
      }
    },
  },
  {
    name: 'info tells what there is, and of which machine',
    async run(replay) {
      const desk = await replay.desk('vm-1')
      const { text, status } = await desk.type(`${replay.client} info`)
      expect(status).toBe(0)
      await expectInfoOfFirst(replay, text)
      replay.seen.id = field(text, 'ID')
      expect(replay.seen.id).toMatch(/^\S{30,}$/)
    },
  },
  {
    name: 'run finds no image, pulls it layer by layer, and there is a shell in a container',
    async run(replay) {
      const desk = await replay.desk('vm-1')
      replay.seen.first = await run(replay, desk, IMAGES.first, PROMPTS.first, ['Pull complete', 'Pull complete'])
      const answer = await desk.typeUntil('hostname; id -un', /^([0-9a-f]{12})\nroot\n/m)
      expect(answer[1]).toBe(replay.seen.first)
      await desk.find(PROMPTS.first)
      desk.enter('exit')
      expect((await desk.prompt()).status).toBe(0)
    },
  },
  {
    name: 'nothing listens on a port; the service stops',
    async run(replay) {
      const desk = await replay.desk('vm-1')
      const { text } = await desk.type('ss -ltn')
      expect(text).toMatch(/^State +Recv-Q/)
      expect(text).not.toMatch(/:237[56] /)
      expect(await replay.listeners()).toBe('')
      await replay.stopService()
    },
  },
  {
    name: 'a daemon on the network, in the background of a terminal: one more port, and a warning',
    async run(replay) {
      const desk = await replay.desk('vm-1')
      const started = await desk.typeUntil(`drydock daemon -H ${replay.port} --tls=false &`, /\[1\] (\d+)\n/)
      const said = await desk.find(new RegExp(`[\\s\\S]*API listen on ${replay.port}\n`))
      expect(said[0]).toMatch(/warn +the API is open on tcp:\S+ without TLS/)
      desk.enter('')
      await desk.prompt()
      const { text } = await desk.type('ss -ltnp')
      const row = text.split('\n').find((line) => line.includes(`${replay.hosts.addresses['vm-1']}:2375 `))
      expect(row).toContain(`pid=${started[1]},`)
    },
  },
  {
    name: 'info fails: the socket that it looks for is not there any more, and it says so',
    async run(replay) {
      const desk = await replay.desk('vm-1')
      const { text, status } = await desk.type(`${replay.client} info`)
      expect(status).toBe(1)
      expect(text).toContain(UNREACHED[replay.client])
      expect(text).not.toContain('Name: vm-1')
    },
  },
  {
    name: 'from vm-2 the engine on vm-1 answers, by its name',
    async run(replay) {
      const desk = await replay.desk('vm-2')
      expect((await desk.type(`export DOCKER_HOST=${replay.port}`)).status).toBe(0)
      const { text, status } = await desk.type(`${replay.client} info`)
      expect(status).toBe(0)
      await expectInfoOfFirst(replay, text, { containers: 1, images: 1 })
      expect(field(text, 'ID')).toBe(replay.seen.id)
      expect(await done(replay.hosts, 'vm-2', 'hostname')).toBe('vm-2\n')
    },
  },
  {
    name: 'a daemon can listen in both places at once',
    async run(replay) {
      const [one, two] = [await replay.desk('vm-1'), await replay.desk('vm-2')]
      await one.type('kill %1')
      await one.type('wait')
      await replay.startService(replay.socket, replay.port)
      for (const desk of [one, two]) {
        const { text } = await desk.type(`${replay.client} info --format '{{.Name}} {{.ID}}'`)
        expect(text).toContain(`vm-1 ${replay.seen.id}\n`)
      }
      expect(await replay.listeners()).toContain(`${replay.hosts.addresses['vm-1']}:2375 `)
    },
  },
  {
    name: 'another distribution, from vm-2: what both have in common is there already',
    async run(replay) {
      const desk = await replay.desk('vm-2')
      replay.seen.container = await run(replay, desk, IMAGES.other, PROMPTS.other, ['Already exists', 'Pull complete'])
    },
  },
  {
    name: 'its /etc/hosts has its id beside its own address',
    async run(replay) {
      const [hosts] = await inside(replay, 'cat /etc/hosts', /[\s\S]*localhost[\s\S]*\n/)
      const { container } = replay.seen
      const row = hosts.split('\n').find((line) => line.endsWith(`\t${container}`)) ?? ''
      const format = "'{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'"
      const address = await done(replay.hosts, 'vm-2', `DOCKER_HOST=${replay.port} ${replay.client} inspect -f ${format} ${container}`)
      expect(`${row.split('\t')[0]}\n`).toBe(address)
      expect(hosts).toMatch(/^127\.0\.0\.1\tlocalhost/m)
      const [own] = await inside(replay, 'hostname; hostname -i', /^[0-9a-f]{12}\n.*\n/m)
      expect(own).toBe(`${container}\n${address}`)
    },
  },
  {
    name: 'it reaches an address outside',
    async run(replay) {
      const desk = await replay.desk('vm-2')
      const { address } = replay.hosts.outside
      await desk.typeUntil(`ping ${address}`, /64 bytes from .* (icmp_)?seq=\d/)
      await desk.find(/64 bytes from .* (icmp_)?seq=\d/)
      desk.press('\x03')
      const [said] = await desk.find(/--- [\s\S]*received.*\n/)
      expect(said).toContain(`--- ${address} ping statistics ---`)
      expect(said).toMatch(/ 0% packet loss/)
      await desk.find(PROMPTS.other)
    },
  },
  {
    name: 'its kernel is vm-1’s, and nothing else of it is',
    async run(replay) {
      const [kernel, version] = (await done(replay.hosts, 'vm-1', 'uname -r; uname -v')).split('\n')
      const [uname] = await inside(replay, 'uname -a', /Linux .*\n/)
      expect(uname).toContain(`Linux ${replay.seen.container} ${kernel} ${version} `)
      expect((await inside(replay, 'cat /etc/lifeboat-release', /.*release.*\n/))[0]).toBe(`${RELEASE}\n`)
      expect((await inside(replay, 'apt-get update', /.*not found\n/))[0]).toContain('apt-get: command not found')
      expect((await inside(replay, 'dpkg -l', /.*not found\n/))[0]).toContain('dpkg: command not found')
      expect(await done(replay.hosts, 'vm-1', 'cat /etc/os-release')).not.toContain(RELEASE)
    },
  },
  {
    name: 'its own package manager installs an editor from outside, with which a file is written',
    async run(replay) {
      const desk = await replay.desk('vm-2')
      await inside(replay, `wget -q -O /tmp/editor.rpm ${packageOf(replay.hosts)}; echo got $?`, /got 0\n/)
      expect((await inside(replay, 'rpm -qip /tmp/editor.rpm', /[\s\S]*Summary.*\n/))[0]).toMatch(
        new RegExp(`^Name +: ${EDITOR.name}$`, 'm'),
      )
      await inside(replay, 'rpm -i /tmp/editor.rpm; echo installed $?', /installed 0\n/)
      await desk.typeUntil(`${EDITOR.name} /tmp/myfile`, new RegExp(`^${EDITOR.greeting}$`, 'm'))
      desk.enter('Happy whales !')
      desk.press('\x04')
      await desk.find(PROMPTS.other)
      desk.enter('exit')
      expect((await desk.prompt()).status).toBe(0)
    },
  },
  {
    name: 'ps has nothing to show; ps -a has both',
    async run(replay) {
      const desk = await replay.desk('vm-2')
      const running = (await desk.type(`${replay.client} ps`)).text.trim().split('\n')
      expect(running).toEqual([expect.stringMatching(/^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES/)])
      const all = (await desk.type(`${replay.client} ps -a`)).text.trim().split('\n').slice(1)
      expect(all.map((row) => row.split(/ {2,}/).slice(0, 2))).toEqual([
        [replay.seen.container, IMAGES.other],
        [replay.seen.first, IMAGES.first],
      ])
      for (const row of all) expect(row).toMatch(/ Exited \(0\) /)
    },
  },
  {
    name: 'on vm-1 a directory has what has changed in it, the file too',
    async run(replay) {
      const { hosts, client, seen } = replay
      const desk = await replay.desk('vm-1')
      const upper = (
        await done(hosts, 'vm-1', `DOCKER_HOST=${replay.socket} ${client} inspect -f '{{.GraphDriver.Data.UpperDir}}' ${seen.container}`)
      ).trim()
      const [, all = '', name = ''] = /^(.*)\/([0-9a-f]{64})\/diff$/.exec(upper) ?? []
      expect(name.startsWith(seen.container)).toBe(true)
      const { text: listed } = await desk.type(`ls -l ${all}`)
      // Layers of two images, and the containers' own.
      expect(listed).toContain(` ${name}`)
      expect(listed.match(/ [0-9a-f]{64}$/gm)?.length).toBeGreaterThanOrEqual(5)
      const { text: changed } = await desk.type(`ls -l ${upper}`)
      const names = [...changed.matchAll(/ (\S+)$/gm)].map(([, one]) => one)
      expect(names).toEqual(expect.arrayContaining(['tmp', 'usr']))
      expect(names).not.toContain('var')
      expect((await desk.type(`cat ${upper}/tmp/myfile`)).text).toBe('Happy whales !\n')
    },
  },
  {
    name: 'start it again and attach: the file is still there',
    async run(replay) {
      const desk = await replay.desk('vm-2')
      const { client, seen } = replay
      expect(await desk.type(`${client} start ${seen.container}`)).toEqual({ text: `${seen.container}\n`, status: 0 })
      expect((await desk.type(`${client} ps`)).text).toMatch(new RegExp(`^${seen.container} .* Up `, 'm'))
      desk.enter(`${client} attach ${seen.container}`)
      desk.enter('')
      const [, id] = await desk.find(PROMPTS.other)
      expect(id).toBe(seen.container)
      expect((await inside(replay, 'cat /tmp/myfile', /.*whales.*\n/))[0]).toBe('Happy whales !\n')
      desk.enter('exit')
      expect((await desk.prompt()).status).toBe(0)
    },
  },
]

const UNREACHED: Readonly<Record<Replay['client'], string>> = {
  docker: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
  // It would have started one, and learns that there is one already.
  drydock: 'no engine runs at unix:///run/drydock.sock',
}

/** What `info` must say, held against the machine itself. */
async function expectInfoOfFirst({ hosts }: Replay, text: string, { containers, images } = { containers: 0, images: 0 }): Promise<void> {
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
async function run({ client }: Replay, desk: Desk, image: string, prompt: RegExp, layers: readonly string[]): Promise<string> {
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
async function inside(replay: Replay, line: string, pattern: RegExp): Promise<RegExpExecArray> {
  const desk = await replay.desk('vm-2')
  const found = await desk.typeUntil(line, pattern)
  if (!PROMPTS.other.test(found[0])) await desk.find(PROMPTS.other)
  return found
}
