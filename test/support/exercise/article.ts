/**
 * The article of 2015, from its first command to its last, on any two hosts; each part goes on where the one before has left them. docs/ARTICLE.md says
 * which command of then is which of now.
 */
import { expect } from 'vitest'
import { done } from './hosts.js'
import { expectInfo, field, inside, PROMPTS, run, UNREACHED } from './observed.js'
import type { Replay } from './replay.js'
import { EDITOR, IMAGES, packageOf, RELEASE } from './yard.js'

export interface Part {
  readonly name: string
  run(replay: Replay): Promise<void>
}

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
      await expectInfo(replay, text)
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
      await expectInfo(replay, text, { containers: 1, images: 1 })
      expect(field(text, 'ID')).toBe(replay.seen.id)
      expect(await done(replay.hosts, 'vm-2', 'hostname')).toBe('vm-2\n')
    },
  },
  {
    name: 'a daemon can listen in both places at once',
    async run(replay) {
      const [one, two] = [await replay.desk('vm-1'), await replay.desk('vm-2')]
      await one.type('kill %1')
      // It leaves the terminal as it is: what is typed from here on is seen.
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
      const { container } = replay.seen
      // To its last line: over a network it may come in pieces.
      const [hosts] = await inside(replay, 'cat /etc/hosts', new RegExp(`[\\s\\S]*localhost[\\s\\S]*\\t${container}\\n`))
      const row = hosts.trim().split('\n').at(-1) ?? ''
      expect(row).toMatch(new RegExp(`\\t${container}$`))
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
      expect(listed).not.toContain('-init')
      const { text: changed } = await desk.type(`ls -l ${upper}`)
      // bash has kept what was typed in root's home.
      expect([...changed.matchAll(/^d.* (\S+)$/gm)].map(([, one]) => one)).toEqual(['root', 'tmp', 'usr'])
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
