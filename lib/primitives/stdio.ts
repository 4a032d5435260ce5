/**
 * A container's stdin, stdout and stderr: a terminal of its own, or three pipes to the shim.
 *
 *     pipes      the host makes them before the clone; the child puts its ends at 0, 1, 2; the host closes the child's ends, so that the last
 *                writer's end is the end of the output
 *     terminal   the child asks its own devpts for a pair, so that the name inside is right (/dev/pts/0, `tty`, `w`); it keeps the slave, and
 *                the shim takes the master out of its table of descriptors (pidfd_getfd(2))
 *
 * pty(7), pts(4), tty_ioctl(4), setsid(2); the OCI runtime specification, config-linux.md, "Dev symbolic links" and `terminal`.
 */
import {
  chown,
  close,
  dup3,
  ioctl_tiocgptn,
  ioctl_tiocsctty,
  ioctl_tiocsptlck,
  ioctl_tiocswinsz,
  mknod,
  open,
  pipe2,
} from '../kernel/calls/files.js'
import { mount } from '../kernel/calls/mounts.js'
import { pidfd_getfd, setsid } from '../kernel/calls/process.js'
import type { MonitorSettings } from '../kernel/monitor.js'
import { type Fragment, inPhase, ref, type Step, text } from '../kernel/step.js'

export type StdioSpec =
  | {
      readonly kind: 'terminal'
      readonly rows: number
      readonly columns: number
      /** Whose terminal it is: the program's user, who may want to open it by its name. */
      readonly uid?: number
    }
  /** Without `stdin` there is no input: /dev/null. */
  | { readonly kind: 'pipes'; readonly stdin: boolean }

export interface StdioFragment extends Fragment {
  /** The shim's ends, for its monitor; known once these steps were made. */
  readonly monitor: Pick<MonitorSettings, 'tty' | 'stdin' | 'stdout' | 'stderr'>
}

export function stdio(spec: StdioSpec): StdioFragment {
  return spec.kind === 'terminal' ? terminal(spec) : pipes(spec.stdin)
}

const STREAMS = ['stdin', 'stdout', 'stderr'] as const

function pipes(stdin: boolean): StdioFragment {
  const ends = (name: string) => ({ own: `stdio.${name}`, child: `stdio.${name}.child` })
  const laid = STREAMS.filter((name) => stdin || name !== 'stdin')
  const make = laid.map((name): Step => {
    const { own, child } = ends(name)
    const why = `A pipe for ${name}: one end is the container’s, the other the shim’s.`
    return name === 'stdin' ? pipe2(child, own, { why }) : pipe2(own, child, { why })
  })
  const nothing = stdin
    ? []
    : [open('/dev/null', ['rdonly'], { keep: 'stdio.stdin.child', why: 'Nobody will type: a read is told at once that there is no more.' })]
  const take = STREAMS.map((name, number) =>
    dup3(ref(ends(name).child), number, { why: `Descriptor ${number} is ${name}, by a custom as old as Unix.` }),
  )
  const letGo = laid.map((name) => close(ref(ends(name).child), { why: `As long as anybody holds this end of ${name}, it has not ended.` }))
  return {
    primitive: 'stdio',
    title: stdin ? 'Three pipes' : 'Two pipes, and no input',
    steps: [
      ...inPhase('prepare', 'host', make),
      // In `admit` it is born already and has its copies.
      ...inPhase('admit', 'host', letGo),
      ...inPhase('terminal', 'container', [
        setsid({ why: 'A session of its own: no key of the terminal that drydock was started on reaches it.' }),
        ...nothing,
        ...take,
      ]),
    ],
    monitor: {
      ...(stdin && { stdin: ref('stdio.stdin') }),
      stdout: ref('stdio.stdout'),
      stderr: ref('stdio.stderr'),
    },
  }
}

const MASTER = ref('stdio.master.child')
const SLAVE = ref('stdio.slave')
const NUMBER = ref('stdio.number')

function terminal({ rows, columns, uid = 0 }: StdioSpec & { kind: 'terminal' }): StdioFragment {
  const slave = text`/dev/pts/${NUMBER}`
  const inside = [
    open('/dev/ptmx', ['rdwr', 'noctty'], {
      keep: MASTER.ref,
      why: 'A new terminal of this container’s devpts; what is opened is its master side.',
    }),
    ioctl_tiocsptlck(MASTER, false, { why: 'The slave of a new terminal is locked.' }),
    ioctl_tiocgptn(MASTER, NUMBER.ref, { why: 'Its number is its name: /dev/pts/N.' }),
    ioctl_tiocswinsz(MASTER, rows, columns, { why: 'As large as the caller’s, before anybody can draw on it.' }),
  ]
  const rest = [
    close(MASTER, { why: 'The shim has the master now. A second one here would keep the terminal alive when that hangs up.' }),
    mknod('/dev/console', 'ifreg', 0o620, [0, 0], { allow: ['EEXIST'], why: 'A place for /dev/console …' }),
    mount(slave, '/dev/console', null, ['bind'], null, { why: '… which is this terminal under another name.' }),
    setsid({ why: 'A session of its own, of which this process is the leader: only such a one can have a controlling terminal.' }),
    open(slave, ['rdwr', 'noctty'], { keep: SLAVE.ref, why: 'The side that programs use.' }),
    ...(uid === 0 ? [] : [chown(slave, uid, -1, { why: 'The terminal of the user who will sit at it.' })]),
    ioctl_tiocsctty(SLAVE, { why: 'From here on Ctrl-C, Ctrl-Z and its size are this session’s.' }),
    ...[0, 1, 2].map((number) => dup3(SLAVE, number, { why: `Descriptor ${number} is the terminal.` })),
  ]
  return {
    primitive: 'stdio',
    title: `A terminal of ${rows} lines and ${columns} columns`,
    steps: [
      ...inPhase('terminal', 'container', inside),
      ...inPhase('terminal', 'host', [
        pidfd_getfd(ref('pidfd'), MASTER, {
          keep: 'stdio.master',
          why: 'The master stays outside, with the shim: what the program prints comes out of it.',
        }),
      ]),
      ...inPhase('terminal', 'container', rest),
    ],
    monitor: { tty: true, stdout: ref('stdio.master') },
  }
}
