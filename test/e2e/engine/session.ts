/** The session that every client's capture was made of, as a script: each act stands on what those before it have left. */
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { now, type Script, type Stage } from './player.js'
import { FILTERS } from './session-filters.js'
import { REFUSALS } from './session-refusals.js'

/** Until the container has come to its end, by the API: no command of the session. */
const ended = async ({ engine }: Stage, name: string) => (await engine.api.wait(name)).status

/** Until there has been such an event since a moment, by the API. */
async function happened({ engine }: Stage, since: string, filters: object): Promise<void> {
  const events = await engine.api.open('GET', `/events?since=${since}&filters=${encodeURIComponent(JSON.stringify(filters))}`)
  await once(events, 'data')
  events.destroy()
}

/** SIGWINCH as SigCgt has it, proc_pid_status(5). */
const RESIZED = 1n << 27n

/** Until the container's shell has said all that it says before its first prompt: from then on it draws its line again when its terminal is given another size. */
async function editsLines({ engine }: Stage, name: string): Promise<void> {
  const { State } = await engine.api.must<{ State: { Pid: number } }>('GET', `/containers/${name}/json`)
  const status = engine.host.path(`/proc/${State.Pid}/status`)
  while (!(BigInt(`0x${/^SigCgt:\t(\w+)$/m.exec(readFileSync(status, 'utf8'))?.[1]}`) & RESIZED)) await sleep(10)
}

/** A directory for a moment. */
async function inDirectory<T>(act: (path: string) => Promise<T>): Promise<T> {
  const path = mkdtempSync(join(tmpdir(), 'drydock-session-'))
  try {
    return await act(path)
  } finally {
    rmSync(path, { recursive: true })
  }
}

export const SESSION: Script = {
  version: ({ docker }) => docker('version'),
  info: ({ docker }) => docker('info'),
  images: async ({ docker }) => {
    await docker('images')
    await docker('images', '--digests', '--no-trunc', '-a')
    await docker('image', 'ls', '--format', '{{.Repository}}:{{.Tag}} {{.Size}}', '--filter', 'reference=busy*')
    await docker('images', '-q', 'nothing-such')
  },
  'run -it': ({ terminal }) =>
    terminal(['run', '-it', '--name', 'c1', '-e', 'PS1=ready> ', 'busybox', 'sh'], async (screen, sized) => {
      await screen.see('ready> ')
      await sized()
      screen.type('stty size; exit 3\r')
      await screen.see('33 101')
    }),
  'run --rm': ({ docker }) => docker('run', '--rm', '--name', 'once', 'busybox', 'echo', 'hi'),
  'run --rm -i': ({ dockerWith }) =>
    dockerWith({ input: 'input\n' }, 'run', '--rm', '-i', '--name', 'piped', 'busybox', 'sh', '-c', 'cat; echo err >&2; exit 7'),
  'run of what is not there': async ({ docker }) => {
    await docker('run', '--rm', '--name', 'bad', 'busybox', '/nonexistent')
    await docker('run', '--rm', '--name', 'bad', 'busybox', 'nosuchcommand')
    await docker('run', '--rm', '--name', 'bad', 'busybox', '/etc')
    await docker('run', '--rm', '--name', 'bad', 'busybox', '/etc/passwd')
    await docker('run', '--rm', '--name', 'bad', '-w', '/etc/passwd', 'busybox', 'true')
    await docker('run', '--name', 'kept', 'busybox', '/nonexistent')
    await docker('ps', '-a', '--filter', 'name=kept')
    await docker('start', 'kept')
    await docker('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}', 'kept')
    await docker('rm', 'kept')
  },
  'run with what is wrong': async ({ docker }) => {
    await docker('run', '--rm', '--user', 'nosuchuser', '--name', 'bad', 'busybox', 'true')
    await docker('run', '--rm', '--network', 'nosuchnet', '--name', 'bad', 'busybox', 'true')
    await docker('run', '--rm', '--memory', '1m', '--name', 'bad', 'busybox', 'true')
    await docker('run', '--rm', '--cpus', '1000', '--name', 'bad', 'busybox', 'true')
    await docker('run', '--rm', '-v', 'relative/path:/x', '--name', 'bad', 'busybox', 'true')
    await docker('run', '--rm', '--name', 'x', 'busybox', 'true')
    await docker('run', '--rm', '--name', 'a/b', 'busybox', 'true')
    await docker('run', '--rm', '--mount', 'type=bind,src=/nosuchplace,dst=/x', '--name', 'bad', 'busybox', 'true')
    await docker('run', '--rm', '--runtime', 'nosuch', '--name', 'bad', 'busybox', 'true')
    await docker('run', '--rm', '--ulimit', 'nofile=10:5', 'busybox', 'true')
    await docker('run', '--rm', '--name', 'c1', 'busybox', 'true')
    await docker('run', '--rm', '-p', '18081:80', '--network', 'none', '--name', 'noport', 'busybox', 'true')
    await docker('create', '--name', 'nocmd', '--entrypoint', '', 'busybox')
    await docker('ps', '-a', '--format', '{{.Names}}')
    await docker('rm', 'nocmd')
  },
  'run -d -p': async ({ docker }) => {
    await docker(
      ...['run', '-d', '-p', '127.0.0.1:18080:80', '--name', 'web', '-v', 'vol1:/data', '-e', 'A=b', '--label', 'l=1'],
      ...['--hostname', 'web', 'busybox', 'httpd', '-f', '-p', '80'],
    )
  },
  ps: async ({ docker }) => {
    await docker('ps')
    await docker('ps', '-a', '-s', '--filter', 'status=exited', '--format', 'json')
    await docker('ps', '-a', '--no-trunc')
    await docker('ps', '-aq', '--filter', 'label=l=1')
    await docker(
      'ps',
      '--filter',
      'name=we',
      '--format',
      '{{.Names}} {{.Image}} {{.Ports}} {{.Mounts}} {{.Networks}} {{.Labels}} {{.LocalVolumes}}',
    )
    await docker('ps', '-n', '1', '--format', '{{.Names}}')
    await docker('ps', '--filter', 'nosuch=1')
    await docker('ps', '-a', '--filter', 'exited=3', '--format', '{{.Names}}')
    await docker('ps', '-a', '--filter', 'ancestor=busybox', '--format', '{{.Names}}')
    await docker('ps', '-a', '--filter', 'volume=vol1', '--format', '{{.Names}}')
    await docker('ps', '-a', '--filter', 'publish=80', '--format', '{{.Names}}')
    await docker('ps', '-a', '--filter', 'before=web', '--format', '{{.Names}}')
  },
  'start, attached or not': async (stage) => {
    await stage.docker('create', '--name', 'c2', 'busybox', 'sh', '-c', 'echo started; exit 4')
    await stage.docker('start', '-a', 'c2')
    await stage.docker('start', 'c2')
    await ended(stage, 'c2')
    await stage.docker('start', 'nosuch')
    await stage.docker('create', '--name', 'c3', '-i', 'busybox', 'cat')
    await stage.dockerWith({ input: 'through\n' }, 'start', '-ai', 'c3')
    await stage.docker('rm', 'c3')
  },
  'attach, and leave by keys': async (stage) => {
    await stage.docker('start', 'c1')
    await editsLines(stage, 'c1')
    await stage.terminal(['attach', 'c1'], async (screen, sized) => {
      await sized()
      await screen.see('ready> ')
      screen.type('echo at$((40+2))\r')
      await screen.see('at42')
      await screen.see('ready> ')
      screen.type('\x10\x11')
    })
    await stage.docker('inspect', '-f', '{{.State.Running}}', 'c1')
  },
  exec: async (stage) => {
    await stage.terminal(['exec', '-it', '-e', 'PS1=inside> ', 'web', 'sh'], async (screen, sized) => {
      await screen.see('inside> ')
      await sized()
      screen.type('stty size; exit 5\r')
      await screen.see('33 101')
    })
    await stage.docker('exec', 'web', 'sh', '-c', 'echo o; echo e >&2; exit 6')
    await stage.dockerWith({ input: 'to the exec\n' }, 'exec', '-i', 'web', 'sh', '-c', 'cat')
    const before = now()
    await stage.docker('exec', '-d', 'web', 'touch', '/tmp/detached')
    // The client is not told of its end, which may come after what comes next.
    await happened(stage, before, { container: ['web'], event: ['exec_die'] })
    await stage.docker('exec', '-w', '/tmp', '-e', 'X=y', '-u', 'nobody', 'web', 'sh', '-c', 'pwd; echo $X; id -u; id -g')
    await stage.docker('exec', 'web', '/nonexistent')
    await stage.docker('exec', 'web', 'nosuchcommand')
    await stage.docker('exec', 'c2', 'true')
    await stage.docker('exec', 'nosuch', 'true')
    await stage.docker('exec', '-u', 'nosuchuser', 'web', 'true')
    await stage.docker('exec', '-w', '/nosuchplace', 'web', 'true')
  },
  logs: async (stage) => {
    await stage.docker('logs', 'c2')
    await stage.docker('logs', '--tail', '1', '-t', 'c2')
    // The client counts in whole seconds: what was said in this one is not before it.
    await sleep(1000)
    await stage.docker('logs', '--since', '1h', '--until', '0s', 'c2')
    await stage.docker('run', '-d', '--name', 'talker', 'busybox', 'sh', '-c', 'echo one; sleep 0.1; echo two >&2; sleep 0.2; echo three')
    await stage.docker('logs', '-f', 'talker')
    await stage.docker('logs', '--tail', '2', 'talker')
    await stage.docker('logs', '--tail', '0', 'talker')
    await stage.docker('logs', 'nosuch')
    await stage.docker('logs', '--details', 'talker')
  },
  'stop, start, restart, kill': async (stage) => {
    await stage.docker('stop', '-t', '1', 'c1')
    await stage.docker('stop', '-t', '1', 'c1')
    await stage.docker('start', 'c1')
    await stage.docker('start', 'c1')
    await stage.docker('kill', 'c1')
    await ended(stage, 'c1')
    await stage.docker('kill', 'c1')
    await stage.docker('restart', '-t', '0', 'web')
    await stage.docker('kill', '-s', 'SIGNOSUCH', 'web')
    // It is the first process of its namespace and has no handler: nothing happens to it.
    await stage.docker('kill', '-s', 'HUP', 'web')
  },
  inspect: async ({ docker }) => {
    await docker('inspect', 'web')
    await docker('inspect', 'busybox')
    await docker('inspect', 'nosuch')
    await docker('inspect', '-s', '--type', 'container', '-f', '{{.SizeRw}}', 'c2')
    await docker('inspect', '--type', 'image', '-f', '{{.Id}} {{.Os}} {{json .Config.Cmd}} {{json .RootFS}}', 'busybox')
    await docker('image', 'inspect', 'nosuch')
    await docker('container', 'inspect', 'c1')
  },
  diff: async ({ docker }) => {
    await docker('exec', 'web', 'sh', '-c', 'echo 1 > /new; rm /etc/group; echo >> /etc/passwd; mkdir -p /deep/er')
    await docker('diff', 'web')
    await docker('diff', 'c2')
  },
  commit: async ({ docker }) => {
    await docker('commit', '-m', 'msg', '-a', 'me', '-c', 'CMD ["id"]', '-c', 'ENV NEW=1', 'web', 'img:c')
    await docker('image', 'inspect', '-f', '{{json .Config.Cmd}} {{json .Config.Env}} {{.Comment}} {{.Author}}', 'img:c')
    await docker('history', '--no-trunc', '--format', '{{.CreatedBy}} {{.Size}} {{.Comment}}', 'img:c')
    await docker('history', 'img:c')
    await docker('run', '--rm', '--name', 'committed', 'img:c', 'cat', '/new')
    await docker('commit', 'nosuch', 'img:d')
    await docker('commit', '-c', 'RUN true', 'web', 'img:e')
  },
  cp: (stage) =>
    inDirectory(async (cwd) => {
      const { dockerWith } = stage
      writeFileSync(join(cwd, 'g.txt'), 'data\n')
      mkdirSync(join(cwd, 'tree/sub'), { recursive: true })
      writeFileSync(join(cwd, 'tree/sub/leaf'), 'leaf\n')
      await dockerWith({ cwd }, 'cp', 'g.txt', 'web:/tmp/g.txt')
      await dockerWith({ cwd }, 'cp', 'web:/tmp/g.txt', 'back.txt')
      await dockerWith({ cwd }, 'cp', 'tree', 'web:/tmp')
      await dockerWith({ cwd }, 'cp', 'tree/.', 'c2:/root')
      await dockerWith({ cwd }, 'cp', 'web:/nope', '.')
      await dockerWith({ cwd }, 'cp', 'g.txt', 'web:/no/such/place/')
      await dockerWith({ cwd }, 'cp', 'c2:/root/sub', 'again')
      await dockerWith({ cwd }, 'cp', 'tree', 'web:/etc/passwd')
      await dockerWith({ cwd }, 'cp', 'nosuch:/x', '.')
      await dockerWith({ cwd }, 'exec', 'web', 'sh', '-c', 'cat /tmp/g.txt /tmp/tree/sub/leaf')
      if (readFileSync(join(cwd, 'back.txt'), 'utf8') !== 'data\n') throw new Error('what came back is not what was copied')
      if (!existsSync(join(cwd, 'again/leaf'))) throw new Error('the directory did not come back')
    }),
  top: async ({ docker }) => {
    await docker('top', 'web', '-eo', 'comm')
    await docker('top', 'web', '-o', 'pid,comm')
    await docker('top', 'c2')
  },
  stats: async ({ docker }) => {
    await docker('stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}}', 'web')
    await docker('stats', '--no-stream', 'nosuch')
  },
  wait: async ({ docker }) => {
    await docker('run', '-d', '--name', 'wt', 'busybox', 'sh', '-c', 'sleep 0.3; exit 9')
    await docker('wait', 'wt')
    await docker('wait', 'wt', 'nosuch')
  },
  rename: async ({ docker }) => {
    await docker('rename', 'wt', 'wt2')
    await docker('rename', 'wt2', 'web')
    await docker('rename', 'nosuch', 'other')
    await docker('rename', 'wt2', 'a b')
  },
  'pause, unpause': async ({ docker }) => {
    await docker('pause', 'web')
    await docker('pause', 'web')
    await docker('ps', '--filter', 'status=paused', '--format', '{{.Names}} {{.Status}}')
    await docker('exec', 'web', 'true')
    await docker('unpause', 'web')
    await docker('unpause', 'web')
    await docker('pause', 'c2')
  },
  'network create, ls, inspect': async ({ docker }) => {
    await docker('network', 'create', '--subnet', '10.55.0.0/24', '--label', 'a=b', 'n1')
    await docker('network', 'create', 'n1')
    await docker('network', 'create', '--subnet', '10.55.0.0/25', 'overlapping')
    await docker('network', 'create', '-d', 'nosuch', 'n2')
    await docker('network', 'ls', '--filter', 'driver=bridge')
    await docker('network', 'ls', '--format', '{{.Name}} {{.Driver}} {{.Scope}}')
    await docker('network', 'inspect', 'n1')
    await docker('network', 'inspect', 'bridge', '-f', '{{.Name}} {{.Driver}} {{json .Options}}')
    await docker('network', 'inspect', 'nosuch')
  },
  'network connect, disconnect': async ({ docker }) => {
    await docker('network', 'connect', '--ip', '10.55.0.9', '--alias', 'al', 'n1', 'web')
    await docker('network', 'connect', 'n1', 'web')
    await docker('network', 'connect', '--ip', '10.99.0.9', 'n1', 'c2')
    await docker('network', 'inspect', 'n1')
    await docker('exec', 'web', 'sh', '-c', 'ip -4 -o addr > /tmp/addr; grep -c inet /tmp/addr')
    await docker('run', '--rm', '--network', 'n1', '--name', 'asker', 'busybox', 'wget', '-qO-', 'http://al/etc/hostname')
    await docker('network', 'rm', 'n1')
    await docker('network', 'disconnect', 'n1', 'web')
    await docker('network', 'disconnect', 'n1', 'web')
    await docker('network', 'connect', 'nosuch', 'web')
    await docker('network', 'connect', 'n1', 'nosuch')
  },
  'network rm, prune': async ({ docker }) => {
    await docker('network', 'rm', 'n1')
    await docker('network', 'rm', 'nonet')
    await docker('network', 'rm', 'bridge')
    await docker('network', 'create', 'n3')
    await docker('network', 'prune', '-f')
  },
  volumes: async ({ docker }) => {
    await docker('volume', 'create', 'v2')
    await docker('volume', 'create', 'v2')
    await docker('volume', 'create', '--label', 'x=y', 'v3')
    await docker('volume', 'ls')
    await docker('volume', 'ls', '-q', '--filter', 'dangling=true')
    await docker('volume', 'ls', '-q', '--filter', 'label=x')
    await docker('volume', 'inspect', 'v2')
    await docker('run', '--rm', '--name', 'writer', '-v', 'v2:/v', 'busybox', 'sh', '-c', 'echo kept > /v/file')
    await docker('run', '--rm', '--name', 'reader', '-v', 'v2:/v:ro', 'busybox', 'sh', '-c', 'cat /v/file; echo no > /v/file')
    await docker('volume', 'rm', 'v2')
    await docker('volume', 'rm', 'vol1')
    await docker('volume', 'rm', 'nosuch')
    await docker('volume', 'rm', '-f', 'nosuch')
    await docker('volume', 'inspect', 'nosuch')
    await docker('volume', 'create', '-d', 'nosuch', 'v4')
    await docker('volume', 'create', 'a/b')
  },
  events: async (stage) => {
    const seconds = Math.floor(Date.now() / 1000)
    await stage.docker('run', '--rm', '--name', 'seen', '--label', 'ev=1', 'busybox', 'sh', '-c', 'exit 2')
    const until = String(Math.floor(Date.now() / 1000) + 1)
    const only = ['--filter', 'container=seen']
    await stage.docker(
      'events',
      '--since',
      String(seconds),
      '--until',
      until,
      ...only,
      '--format',
      '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}',
    )
    await stage.docker(
      'events',
      '--since',
      String(seconds),
      '--until',
      until,
      '--filter',
      'label=ev=1',
      '--filter',
      'event=die',
      '--format',
      '{{json .}}',
    )
    await stage.docker(
      'events',
      '--since',
      String(seconds),
      '--until',
      until,
      ...only,
      '--filter',
      'type=container',
      '--filter',
      'event=destroy',
    )
  },
  'tag, rmi': async ({ docker }) => {
    await docker('tag', 'busybox', 'other:1')
    await docker('tag', 'busybox', 'Bad:Name')
    await docker('tag', 'nosuch', 'other:2')
    await docker('rmi', 'other:1')
    await docker('rmi', 'nosuch')
    await docker('rmi', 'img:c')
    await docker('tag', 'busybox', 'other:1')
    await docker('rmi', 'busybox')
    await docker('tag', 'other:1', 'busybox')
    await docker('rmi', 'other:1')
    await docker('rmi', 'busybox')
  },
  'save, load': (stage) =>
    inDirectory(async (cwd) => {
      const { dockerWith, docker } = stage
      await docker('commit', 'c2', 'saved:1')
      await dockerWith({ cwd }, 'save', '-o', 'saved.tar', 'saved:1')
      await docker('rmi', 'saved:1')
      await dockerWith({ cwd }, 'load', '-i', 'saved.tar')
      await dockerWith({ cwd, input: readFileSync(join(cwd, 'saved.tar')) }, 'load', '-q')
      await docker('run', '--rm', '--name', 'loaded', 'saved:1')
      await dockerWith({ cwd }, 'save', '-o', 'none.tar', 'nosuch')
      await dockerWith({ cwd, input: 'no archive' }, 'load')
      await docker('rmi', 'saved:1')
    }),
  'export, import': (stage) =>
    inDirectory(async (cwd) => {
      const { dockerWith, docker } = stage
      await dockerWith({ cwd }, 'export', '-o', 'flat.tar', 'c2')
      await dockerWith(
        { cwd, input: readFileSync(join(cwd, 'flat.tar')) },
        'import',
        '-c',
        'CMD ["cat", "/root/sub/leaf"]',
        '-m',
        'said',
        '-',
        'flat:1',
      )
      await docker('run', '--rm', '--name', 'flat', 'flat:1')
      await docker('history', 'flat:1', '--format', '{{.CreatedBy}}; {{.Comment}}')
      await docker('export', 'nosuch')
      await docker('rmi', 'flat:1')
    }),
  'system df': async ({ docker }) => {
    await docker('system', 'df', '--format', '{{.Type}} {{.TotalCount}} {{.Active}}')
  },
  update: async ({ docker }) => {
    await docker('update', '--memory', '64m', '--memory-swap', '128m', '--cpus', '0.5', '--pids-limit', '50', 'web')
    await docker(
      'inspect',
      '-f',
      '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}',
      'web',
    )
    await docker('update', '--restart', 'on-failure:3', 'web')
    await docker('inspect', '-f', '{{json .HostConfig.RestartPolicy}}', 'web')
    await docker('update', '--restart', 'no', 'web')
    await docker('update', '--memory', '1', 'web')
    await docker('update', '--memory', '64m', 'nosuch')
  },
  port: async ({ docker }) => {
    await docker('port', 'web')
    await docker('port', 'web', '80')
    await docker('port', 'web', '81')
  },
  'restart policies': async (stage) => {
    await stage.docker('run', '-d', '--name', 'again', '--restart', 'on-failure:2', 'busybox', 'sh', '-c', 'exit 1')
    // Two restarts, after a tenth of a second and two.
    await until(stage, 'again', ({ RestartCount, State }) => RestartCount === 2 && State.Status === 'exited')
    await stage.docker('inspect', '-f', '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}', 'again')
    await stage.docker('rm', 'again')
  },
  rm: async ({ docker }) => {
    await docker('rm', 'web')
    await docker('rm', '-f', 'web')
    await docker('rm', '-f', 'nosuch')
    await docker('rm', 'nosuch')
    await docker('rm', '-v', 'c2')
  },
  prune: async ({ docker }) => {
    await docker('create', '--name', 'left', '-v', '/anonymous', 'busybox')
    await docker('container', 'prune', '-f', '--filter', 'label=nothing')
    await docker('system', 'prune', '-f')
    await docker('container', 'prune', '-f')
    await docker('image', 'prune', '-f')
    await docker('volume', 'prune', '-f', '--filter', 'label=nothing')
    await docker('ps', '-aq')
  },
  ...FILTERS,
  ...REFUSALS,
}

interface Inspected {
  readonly RestartCount: number
  readonly State: { readonly Status: string }
}

/** Until it holds; looked at when there is an event of the container, and once before. */
async function until({ engine }: Stage, name: string, holds: (inspected: Inspected) => boolean): Promise<void> {
  await engine.api.whenever({ container: [name] }, async () => holds((await engine.api.get(`/containers/${name}/json`)).json<Inspected>()))
}
