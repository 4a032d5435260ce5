/** The same container twice: as docker run makes it, and with --privileged. */
import { type Capability, clone3, execve, mount, open, type Step, sethostname, unshare } from '../../../lib/index.js'
import { errnoOf } from '../../../lib/kernel/constants.js'
import { readMountinfo } from '../../../lib/kernel/proc/mountinfo.js'
import type { Result } from '../../../lib/kernel/result.js'
import { capabilities, dockerSets, lastCapability, resolveCapabilities } from '../../../lib/primitives/capabilities.js'
import { privileges } from '../../../lib/primitives/process.js'
import { seccomp } from '../../../lib/primitives/seccomp/index.js'
import type { Box, LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { severalIds } from '../../01-namespaces/ids.js'
import { newName, PROC_FLAGS } from '../../01-namespaces/looks.js'
import { boundOf, effectiveOf, statusOf } from '../looks.js'

const USER = 1000
/** A file of Docker's list that is masked, and a directory that is read-only. */
const MASKED = '/proc/timer_list'
const READ_ONLY = '/proc/sys'

/** Calls whose answers differ, and one whose does not. */
const tries = (): { label: string; step: Step }[] => [
  { label: 'mount a tmpfs', step: mount('tmpfs', '/tmp', 'tmpfs') },
  { label: 'another host name', step: sethostname(newName('mine')) },
  { label: 'a new mount namespace', step: unshare(['mnt']) },
  { label: 'write to /proc/sys', step: open('/proc/sys/net/ipv4/ip_forward', ['wronly']) },
  { label: 'a file in /tmp', step: open('/tmp/file', ['creat', 'wronly'], { mode: 0o644 }) },
]

export async function privileged(stage: Stage): Promise<void> {
  const all = boundOf(stage.bottle)
  const { capabilities: fourteen } = resolveCapabilities({ available: all, last: lastCapability() })
  const [ordinary, strong] = [await stage.box('ordinary'), await stage.box('privileged')]
  await ordinary.together('A container as docker run makes it: namespaces, masks, filter, fourteen capabilities', [
    ...common(),
    ...walls(),
    ...seccomp({ profile: 'default', capabilities: fourteen, noNewPrivileges: false }).steps,
    ...capabilities({ ...dockerSets(fourteen, 0), lastCap: lastCapability() }).steps,
  ])
  const choices = ['it is another user: root of the host', 'none: in this they are the same'] as const
  await stage.predict({
    question: 'The second container is made with `--privileged`. What is the difference in the *user* that its process is?',
    choices,
    async measure() {
      await strong.together('The same with --privileged: the namespaces, and nothing else', common())
      const ids = [ordinary, strong].map((box) => Object.values(statusOf(box).uid).join())
      return ids[0] === ids[1] ? choices[1] : choices[0]
    },
    because: 'Both are user 0, and both were before. What differs is what stands between user 0 and the machine.',
  })
  const answers = await attempts([ordinary, strong])
  await stage.look('Side by side', () => [...differences(ordinary, strong), ...answers])
  await stage.say(
    'The privileged one can mount, so it can undo whatever was mounted to protect something. It can load what it likes, forward packets, open every device that it finds. ' +
      'Some people need one of these things, and then `--cap-add` or `--device` gives them that one.',
  )
  if (severalIds(stage.bottle)) await privilegedUser(stage, all)
}

/** --privileged together with --user: the sets are all there is, and the user has none of it. */
async function privilegedUser(stage: Stage, all: readonly Capability[]): Promise<void> {
  const box = await stage.box('privileged user')
  const choices = [`all ${all.length}`, '14', 'none'] as const
  await stage.predict({
    question: '`docker run --privileged --user 1000`: how many capabilities does the program have in effect?',
    choices,
    async measure() {
      const sets = { uid: USER, gid: USER, capabilities: dockerSets(all, USER), lastCap: lastCapability() }
      await box.together(`All that is there in the bounding set, and user ${USER}`, [
        clone3([]),
        ...privileges(sets).steps,
        execve('/bin/sleep', ['sleep', '1000']),
      ])
      const count = effectiveOf(statusOf(box)).length
      return count === 0 ? choices[2] : count === 14 ? choices[1] : choices[0]
    },
    because:
      '--privileged is a limit that was lifted, not a right that was given. An ordinary user stays one, but any setuid file makes him a root without walls.',
  })
}

const common = (): Step[] => [
  clone3(['mnt', 'pid', 'uts', 'ipc', 'net']),
  mount(null, '/', null, ['rec', 'private']),
  mount('proc', '/proc', 'proc', PROC_FLAGS),
]

/** Two of the paths that Docker hides and protects; lesson 4 has them all. */
const walls = (): Step[] => [
  mount('/dev/null', MASKED, null, ['bind'], null, { allow: ['ENOENT'] }),
  mount(READ_ONLY, READ_ONLY, null, ['bind', 'rec']),
  mount(null, READ_ONLY, null, ['bind', 'remount', 'rdonly', ...PROC_FLAGS]),
]

async function attempts(boxes: readonly Box[]): Promise<LookRow[]> {
  const steps = tries().map(({ step }): Step => ({ ...step, allow: ['EPERM', 'EROFS', 'EACCES'] }))
  const results: Result[][] = []
  for (const box of boxes) results.push(await box.together(`The ${box.name} container tries five things`, steps))
  return tries().map(({ label }, index) =>
    row(
      label,
      results.map((of) => answer(of[index])),
    ),
  )
}

const answer = (result: Result | undefined) => (result?.errno === 0 ? 'works' : errnoOf(result?.errno ?? 0).name)

function differences(...boxes: [Box, Box]): LookRow[] {
  const of = (read: (box: Box) => string | number) => boxes.map((box) => String(read(box)))
  return [
    row(
      'user id, as this machine counts',
      of((box) => statusOf(box).uid.effective),
    ),
    row(
      'capabilities in effect',
      of((box) => effectiveOf(statusOf(box)).length),
    ),
    row(
      'bounding set',
      of((box) => statusOf(box).capabilities.bounding.names.length),
    ),
    row(
      'Seccomp',
      of((box) => statusOf(box).seccomp),
    ),
    row(
      'mounts that hide or protect',
      of((box) => protectedPaths(box)),
    ),
  ]
}

function protectedPaths(box: Box): string {
  const found = (readMountinfo(box.hostPid()) ?? []).filter(({ mountPoint }) => mountPoint === MASKED || mountPoint === READ_ONLY)
  return [...new Set(found.map(({ mountPoint }) => mountPoint))].join(' ') || 'none'
}

function row(label: string, [ordinary = '', strong = '']: readonly string[]): LookRow {
  const same = ordinary === strong
  return { label, value: same ? `${ordinary} in both` : `ordinary: ${ordinary}; privileged: ${strong}`, notice: !same }
}
