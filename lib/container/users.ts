/**
 * Who the program runs as, by the container's own /etc/passwd and /etc/group. They are read inside, once the root is in place, where no link
 * of the image leads anywhere else: a meeting between the first part of the plan and the rest.
 */
import { close, openat2, read } from '../kernel/calls/files.js'
import { remembered } from '../kernel/remembered.js'
import type { Result } from '../kernel/result.js'
import { type Fragment, inPhase, ref, type Step } from '../kernel/step.js'
import { type ContainerUser, resolveUser } from '../primitives/process.js'
import type { ContainerSpec } from './spec.js'

/** Bytes of each file that are read at first: those of nearly every image; and of the few whose files are longer. */
const USUAL = 16 * 1024
export const LARGEST = 1024 * 1024

const FILES = ['passwd', 'group'] as const

/** An image without them is no error, and one in which they are something else than files says nothing by them. */
const NO_FILE = ['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'EXDEV', 'ENXIO']

/**
 * How far the path of one may lead. Links within the image are its own affair; one into /proc is not, where reading alone can have an effect
 * (/proc/kmsg hands the host's log to whoever reads first, and this process may read it still). Where a volume is in the way to it, the file is in
 * another mount by right, and no link is followed instead.
 */
function bounds(mounts: ContainerSpec['mounts'], name: string) {
  const volume = mounts.some(({ target }) => target === '/etc' || target === `/etc/${name}`)
  return ['in_root', 'no_magiclinks', volume ? 'no_symlinks' : 'no_xdev'] as const
}

/** Steps that read both files, after the root has changed; at most `size` bytes of each. */
export const lookUpUsers = ({ mounts }: Pick<ContainerSpec, 'mounts'>, size = USUAL): Fragment =>
  lookUp({ size, passwd: bounds(mounts, 'passwd'), group: bounds(mounts, 'group') })

const lookUp = remembered(({ size, ...within }: { size: number } & Record<(typeof FILES)[number], ReturnType<typeof bounds>>): Fragment => {
  const steps = FILES.flatMap((name): Step[] => {
    const file = ref(`users.${name}`)
    return [
      openat2(
        `/etc/${name}`,
        { flags: ['rdonly', 'nonblock'], resolve: within[name] },
        {
          keep: `users.${name}`,
          allow: NO_FILE,
          why: `The image’s own ${name}: names of users mean what they mean inside.`,
        },
      ),
      // Of a file that could not be opened the number is not set (EBADSLT).
      read(file, size, { allow: ['EBADSLT', 'EISDIR', 'EINVAL', 'EAGAIN'] }),
      close(file, { allow: ['EBADSLT'] }),
    ]
  })
  return { primitive: 'users', title: 'Users of the image', steps: inPhase('root', 'container', steps) }
})

/** Both files, from what those steps answered; undefined where there is none. */
export function usersTexts(results: readonly Result[]): { readonly passwd: string | undefined; readonly group: string | undefined } {
  const [passwd, group] = FILES.map((name) => textAfter(results, `users.${name}`))
  return { passwd, group }
}

/** The user, from what those steps answered. Throws Docker's sentence when the image has none of that name. */
export function userFrom(results: readonly Result[], user: string, groups: readonly string[]): ContainerUser {
  const { passwd, group } = usersTexts(results)
  return resolveUser(user, { ...(passwd !== undefined && { passwd }), ...(group !== undefined && { group }) }, groups)
}

/** Is there more of a file than those steps have read? */
export const readInPart = (results: readonly Result[]): boolean =>
  results.some(({ step, ret, outs }) => isLookup(step) && Number(ret) === outs[0]?.length)

function isLookup({ call, args: [descriptor] }: Result['step']): boolean {
  return call === 'read' && descriptor?.kind === 'ref' && FILES.some((name) => descriptor.ref === `users.${name}`)
}

/** The likely answer, with which the plan is made before the files are read: numbers are what they are, and root's home is /root. */
export function likelyUser(user: string): ContainerUser {
  const [name = '', group = ''] = user.split(':')
  const number = (word: string) => (/^\d+$/.test(word) ? Number(word) : 0)
  const uid = number(name)
  const gid = number(group)
  return { uid, gid, groups: [gid], home: uid === 0 ? '/root' : '/' }
}

export function sameUser(one: ContainerUser, other: ContainerUser): boolean {
  return one.uid === other.uid && one.gid === other.gid && one.home === other.home && one.groups.join() === other.groups.join()
}

function textAfter(results: readonly Result[], slot: string): string | undefined {
  const opened = results.find(({ step }) => step.keep?.some((kept) => kept.slot === slot))
  const answer = results.find(({ step: { call, args } }) => call === 'read' && args[0]?.kind === 'ref' && args[0].ref === slot)
  // Of an open that went well nothing may have been heard.
  if ((opened && opened.status !== 'ok') || answer?.status !== 'ok') return undefined
  return answer.outs[0]?.subarray(0, Number(answer.ret)).toString('utf8')
}
