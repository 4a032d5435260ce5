/** Acts of the session: what cannot be made or changed, and what only just can. */
import type { Script, Stage } from './player.js'

/** Made and removed again where they can be; the others at once, since they leave nothing. */
const refused = ({ docker }: Stage, all: readonly (readonly string[])[]) =>
  Promise.all(all.map((words) => docker('create', ...words, 'busybox', 'true')))

export const REFUSALS: Script = {
  'networks that cannot be': async (stage) => {
    const { docker } = stage
    const create = (...words: string[]) => docker('network', 'create', ...words)
    await create('--subnet', '10.55.7.0/24', '--gateway', '10.55.7.1', '--aux-address', 'a=10.55.7.1', 'bad')
    await create('--subnet', '10.55.3.8/30', 'tiny')
    await docker('run', '--rm', '--network', 'tiny', 'busybox', 'hostname', '-i')
    await docker('network', 'inspect', '-f', '{{json .IPAM.Config}}', 'tiny')
    await docker('network', 'rm', 'tiny')
    await docker('run', '-d', '--name', 'hosted', '--network', 'host', 'busybox', 'sleep', '1000')
    await docker('network', 'connect', 'bridge', 'hosted')
    await docker('network', 'disconnect', 'bridge', 'hosted')
    await docker('network', 'disconnect', 'host', 'hosted')
    await docker('rm', '-f', 'hosted')
    await docker('create', '--name', 'discarded', '--network', 'host', '-p', '80:80', 'busybox')
    await docker('rm', 'discarded')
    await docker('run', '--rm', '--network', 'host', '--ip', '10.55.1.5', 'busybox', 'true')
    await docker('run', '--rm', '--network', 'host', '--network', 'bridge', 'busybox', 'true')
  },
  'ports that are chosen; hosts and domains': async (stage) => {
    const { docker } = stage
    await docker('run', '-d', '--name', 'any', '-p', '127.0.0.1:0:80', '-p', '127.0.0.1::81', 'busybox', 'sleep', '1000')
    await docker('port', 'any', '80')
    await docker('inspect', '-f', '{{json .HostConfig.PortBindings}}', 'any')
    await docker('rm', '-f', 'any')
    const last = ['busybox', 'sh', '-c', 'tail -1 /etc/hosts | cut -f2; hostname; cat /proc/sys/kernel/domainname']
    await docker('run', '--rm', '--hostname', 'h', '--domainname', 'ex.org', ...last)
    await docker('run', '--rm', '--hostname', 'a.b.c', ...last)
  },
  'processes of the host and of another': async ({ docker }) => {
    const looks = 'ls /sys/class/net; ip -4 addr show eth0 | grep -c inet; test $$ -gt 1; echo $?'
    await docker('run', '-d', '--name', 'first', 'busybox', 'sleep', '1000')
    await docker('run', '--rm', '--name', 'seeing', '--pid', 'host', 'busybox', 'sh', '-c', looks)
    await docker(
      'run',
      '--rm',
      '--name',
      'seeing',
      '--pid',
      'container:first',
      'busybox',
      'sh',
      '-c',
      `cat /proc/1/cmdline | tr '\\0' ' '; ${looks}`,
    )
    await docker('exec', 'first', 'ls', '/sys/class/net')
    await docker('run', '--rm', '--ipc', 'host', 'busybox', 'grep', 'mqueue', '/proc/mounts')
    const joining = ['--network', 'container:first', '--pid', 'container:first', '--security-opt', 'systempaths=unconfined']
    await docker('run', '-d', '--name', 'guest', ...joining, 'busybox', 'sleep', '1000')
    const told =
      '{{.HostConfig.NetworkMode}} {{.HostConfig.PidMode}} {{json .HostConfig.MaskedPaths}} {{json .HostConfig.ReadonlyPaths}} {{.Config.Hostname}}'
    await docker('inspect', '-f', told, 'guest')
    await docker('exec', 'guest', 'hostname')
    await docker('rm', '-f', 'guest')
    await docker('rm', '-f', 'first')
  },
  'mounts that cannot be': async (stage) => {
    await refused(stage, [
      ['-v', '/tmp:/x', '-v', '/usr:/x/'],
      ['-v', '/tmp:/x/', '--mount', 'type=tmpfs,dst=/x'],
      ['-v', '/tmp:/'],
      ['-v', '/tmp:b'],
      ['--mount', 'type=bind,src=/tmp,dst=x'],
      ['--mount', 'type=bind,src=/tmp,dst=/'],
      ['--mount', 'type=volume,src=cargo,dst=/'],
      ['--mount', 'type=tmpfs,dst=x'],
      ['--tmpfs', 'x'],
      ['--tmpfs', '/'],
      ['--volumes-from', ''],
    ])
    const { docker } = stage
    await docker('create', '--name', 'first', '-v', '/tmp:/x/', '--tmpfs', '/z/', 'busybox')
    await docker('create', '--name', 'second', '--volumes-from', 'first', '-v', '/usr:/x', 'busybox')
    const of = '{{json .HostConfig.Binds}}{{range .Mounts}} {{.Source}}:{{.Destination}}{{end}}'
    await docker('inspect', '-f', of, 'first', 'second')
    await docker('create', '--volumes-from', 'first:ro:rw', 'busybox')
    await docker('rm', 'first')
    await docker('rm', 'second')
    await docker('run', '--rm', '-v', '/usr:/x:rslave', 'busybox', 'true')
    await docker('run', '--rm', '-v', '/usr:/x:shared', 'busybox', 'true')
    await docker('run', '--rm', '-v', '/etc/hostname:/etc', 'busybox', 'true')
    await docker('run', '--rm', '-v', '/tmp:/etc/passwd', 'busybox', 'true')
  },
  'containers that cannot be': async (stage) => {
    const { docker } = stage
    await docker('create', '--name', 'there', 'busybox')
    await refused(stage, [
      ['--cpuset-cpus', 'x'],
      ['--cpuset-cpus', '1-0'],
      ['--cpuset-mems', 'x'],
      ['--cap-add', 'x'],
      ['--cap-add', 'ALL', '--cap-drop', 'x'],
      ['--log-driver', 'local', '--log-opt', 'nosuch=1'],
      ['--network', 'container:'],
      ['--network', 'container:there', '--link', 'there:x'],
      ['--network', 'host', '--link', 'there:x'],
    ])
    await docker('kill', 'nosuch')
    await docker('unpause', 'there')
    await docker('top', 'there', '--nosuch')
    await docker('commit', '-c', 'EXPOSE x', 'there')
    await docker('rm', 'there')
  },
  'changes that cannot be': async ({ docker }) => {
    const sleeper = ['busybox', 'sleep', '1000']
    await docker('run', '-d', '--name', 'cpus', '--cpus', '0.5', '--memory', '64m', '--memory-swap', '64m', ...sleeper)
    await docker('run', '-d', '--rm', '--name', 'quota', '--cpu-period', '50000', '--cpu-quota', '25000', '--pids-limit', '-1', ...sleeper)
    await docker('top', 'cpus', '--nosuch')
    await docker('update', '--cpu-period', '100000', 'cpus')
    await docker('update', '--cpu-quota', '50000', 'cpus')
    await docker('update', '--cpus', '1', 'cpus')
    await docker('update', '--memory', '128m', 'cpus')
    await docker('update', '--memory', '128m', '--memory-swap', '128m', 'cpus')
    await docker('update', '--cpus', '1', 'quota')
    await docker('update', '--cpu-quota', '50000', 'quota')
    await docker('update', '--pids-limit', '30', 'quota')
    await docker('update', '--pids-limit', '-1', 'quota')
    await docker('update', '--restart', 'always', 'quota')
    await docker('update', '--restart', 'no', 'quota')
    const limits =
      '{{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}} {{.HostConfig.CpuPeriod}} {{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}'
    await docker('inspect', '-f', limits, 'cpus', 'quota')
    await docker('rm', '-f', 'cpus')
    await docker('rm', '-f', 'quota')
  },
}
