/**
 * stdin, stdout and stderr: a terminal of the container's own, or three pipes. What the program writes is read by the shim, which
 * keeps one end and no other; only so is there an end of file when the program has gone.
 *
 *     terminal   container   opens a master in its own devpts ── slave ── 0, 1, 2 and /dev/console
 *                host        takes a copy of the master out of it by pidfd_getfd
 *                execve      closes the container's own
 *
 *     pipes      host        makes them before the clone, and closes the container's ends right after it
 *                container   puts its ends at 0, 1, 2
 *                execve      closes the shim's ends that the child inherited
 *
 * A session of its own is made either way: the program is nobody's background job. pts(4), setsid(2), tty_ioctl(4).
 */
import { UNCHANGED } from '../kernel/calls/credentials.js'
import {
  chown,
  close,
  dup3,
  ioctl_tiocgptpeer,
  ioctl_tiocsctty,
  ioctl_tiocsptlck,
  ioctl_tiocswinsz,
  mknod,
  open,
  pipe2,
} from '../kernel/calls/files.js'
import { mount } from '../kernel/calls/mounts.js'
import { pidfd_getfd, setsid } from '../kernel/calls/process.js'
import { DrydockError } from '../kernel/errors.js'
import type { MonitorSettings } from '../kernel/monitor.js'
import { remembered } from '../kernel/remembered.js'
import { type Fragment, inPhase, type Ref, ref, type Step } from '../kernel/step.js'

/**
 * The program's user, so that it can open /dev/stdout or /dev/tty by name: as the container numbers users, and as the host does (they differ
 * in a user namespace). Absent: the ends belong to whoever makes them.
 */
export interface StdioOwner {
  readonly inside: number
  readonly outside: number
}

export interface TerminalSpec {
  readonly kind: 'terminal'
  /** The window, in characters: 0 (not known) to 65535. It is set before the program starts. */
  readonly rows: number
  readonly columns: number
  readonly owner?: StdioOwner
  /** Bind the terminal to /dev/console. Default: true. Not for a further process in a container, whose console is taken. */
  readonly console?: boolean
}

export interface PipesSpec {
  readonly kind: 'pipes'
  /** Without, the program reads /dev/null. */
  readonly stdin: boolean
  readonly owner?: StdioOwner
}

export interface Stdio extends Fragment {
  /** What the shim watches, for `shim.monitor({ …stdio.monitor })`: to be said before the steps are run. */
  readonly monitor: Pick<MonitorSettings, 'tty' | 'stdin' | 'stdout' | 'stderr'>
}

export const stdio = remembered((spec: TerminalSpec | PipesSpec): Stdio => (spec.kind === 'terminal' ? terminal(spec) : pipes(spec)))

const MASTER = ref('stdio.master')
const SLAVE = ref('stdio.slave')
const TERMINAL = ref('stdio.terminal')

/** The first terminal of a devpts that nobody has used yet. */
const FIRST_SLAVE = '/dev/pts/0'

const SESSION = setsid({ why: 'A session of its own, of which it is the leader: only a leader can take a terminal.' })

function terminal({ rows, columns, owner, console = true }: TerminalSpec): Stdio {
  for (const size of [rows, columns]) {
    if (!Number.isInteger(size) || size < 0 || size > 0xffff) {
      throw new DrydockError(`a terminal has 0 to 65535 rows and columns; ${rows} × ${columns} is no size`, { status: 400 })
    }
  }
  const opened = [
    open('/dev/pts/ptmx', ['rdwr', 'noctty'], {
      keep: MASTER.ref,
      why: 'The master of a new terminal, from the container’s own devpts: its slave has a name in there.',
    }),
    ioctl_tiocsptlck(MASTER, false, { why: 'A slave can be opened when its master says so.' }),
    ioctl_tiocgptpeer(MASTER, { keep: SLAVE.ref, why: 'The slave, which the program gets, by its master and not by a path.' }),
    ioctl_tiocswinsz(SLAVE, rows, columns, { why: 'Programs ask for the size when they start.' }),
    ...(owner && owner.inside !== 0
      ? [
          chown('', owner.inside, UNCHANGED, {
            dirfd: SLAVE,
            why: 'The program’s user may open its own terminal, /dev/tty or /dev/stdout.',
          }),
        ]
      : []),
    ...(console ? consoleSteps() : []),
    SESSION,
    ioctl_tiocsctty(SLAVE, { why: 'From here on Ctrl-C on it is a signal to this session.' }),
    ...atStdio([SLAVE, SLAVE, SLAVE]),
  ]
  const taken = pidfd_getfd(ref('pidfd'), MASTER, {
    keep: TERMINAL.ref,
    why: 'The master stays with the shim, which will read and write for whoever is attached; the container’s copy goes at the execve.',
  })
  return {
    primitive: 'stdio',
    title: `Terminal: ${rows} rows of ${columns} characters`,
    steps: [...inPhase('terminal', 'container', opened), ...inPhase('terminal', 'host', [taken])],
    monitor: { tty: true, stdout: TERMINAL },
  }
}

function consoleSteps(): Step[] {
  return [
    mknod('/dev/console', 'ifreg', 0o600, [0, 0], { why: 'A place for the console; the host’s would be the machine’s own.' }),
    mount(FIRST_SLAVE, '/dev/console', null, ['bind'], null, { why: 'What programs write to the console arrives at this terminal.' }),
  ]
}

function pipes({ stdin, owner }: PipesSpec): Stdio {
  const input = { child: ref('stdio.child-in'), shim: ref('stdio.in') }
  const output = { child: ref('stdio.child-out'), shim: ref('stdio.out') }
  const errors = { child: ref('stdio.child-err'), shim: ref('stdio.err') }
  const ends = [...(stdin ? [input.child] : []), output.child, errors.child]
  const kept = [...(stdin ? [input.shim] : []), output.shim, errors.shim]
  const made = [
    ...(stdin ? [pipe2(input.child.ref, input.shim.ref, { why: 'What is typed goes in here.' })] : []),
    pipe2(output.shim.ref, output.child.ref, { why: 'What the program says comes out here.' }),
    pipe2(errors.shim.ref, errors.child.ref, { why: 'And what it complains of here, so that the two can be told apart.' }),
  ]
  const dropped = ends.map((end) => close(end, { why: 'An end that the shim kept would keep the pipe open when the program has gone.' }))
  const nothing = ref('stdio.null')
  const placed = [
    SESSION,
    ...(stdin ? [] : [open('/dev/null', ['rdonly'], { keep: nothing.ref, why: 'Nobody types: the input is at its end at once.' })]),
    ...atStdio([stdin ? input.child : nothing, output.child, errors.child]),
  ]
  return {
    primitive: 'stdio',
    title: `Pipes: ${stdin ? 'stdin, ' : ''}stdout, stderr`,
    steps: [
      ...inPhase('prepare', 'host', made),
      ...inPhase('admit', 'host', dropped),
      // By the host, to whom they belong; and this late, as the user is known only when the image's own files have been read.
      ...inPhase('terminal', 'host', owner ? kept.map((end) => give(end, owner)) : []),
      ...inPhase('terminal', 'container', placed),
    ],
    monitor: { ...(stdin && { stdin: input.shim }), stdout: output.shim, stderr: errors.shim },
  }
}

/** A pipe has one owner, by whichever end it is given. An ordinary user cannot give it away (EPERM); then only who opens it by name misses it. */
function give(end: Ref, { outside }: StdioOwner): Step {
  return chown('', outside, UNCHANGED, {
    dirfd: end,
    allow: ['EPERM'],
    why: 'The program’s user may open its own stdout by name (/dev/stdout).',
  })
}

function atStdio(ends: readonly Ref[]): Step[] {
  const names = ['stdin', 'stdout', 'stderr']
  return ends.map((end, number) => dup3(end, number, { why: `Number ${number} is ${names[number]}, by an agreement as old as Unix.` }))
}
