/** Solutions of lesson 1. Others are just as good: the checks look at what is there in the end, not at the way. */
import {
  child,
  clone,
  close,
  execve,
  host,
  mount,
  open,
  ref,
  type Step,
  sethostname,
  setns,
  setresgid,
  setresuid,
  text,
  write,
} from '../../lib/index.js'

/** One word for the clone; then the child names itself. */
export function hostname({ name }: { name: string }): Step[] {
  return [clone('uts'), sethostname(name), execve('/bin/sleep', ['sleep', '600'])]
}

/** The mount table private before the first mount, proc mounted by a process of the new pid namespace. */
export function ownProcesses({ seconds }: { seconds: number }): Step[] {
  return [
    clone('pid', 'mnt'),
    mount(null, '/', null, ['rec', 'private']),
    mount('proc', '/proc', 'proc', ['nosuid', 'nodev', 'noexec']),
    execve('/bin/sleep', ['sleep', String(seconds)]),
  ]
}

/** The maps are the parent's to write; then the child takes the ids that have a number now. The group first: once it is not root it may not. */
export function fakeRoot({ outside, file }: { outside: number; file: string }): Step[] {
  const map = (name: string) =>
    host([open(text`/proc/${child}/${name}`, ['wronly'], { keep: name }), write(ref(name), `0 ${outside} 1\n`), close(ref(name))])
  return [
    clone('user'),
    ...map('gid_map'),
    ...map('uid_map'),
    setresgid(0),
    setresuid(0),
    open(`/tmp/${file}`, ['creat', 'wronly'], { mode: 0o644 }),
  ]
}

/** pid before the clone, because it counts for children only; the child enters the other three. */
export function enter({ place }: { place: string }): Step[] {
  const door = (kind: string) => open(`${place}/${kind}`, ['rdonly'], { keep: kind })
  const others = ['uts', 'ipc', 'net'] as const
  return [
    door('pid'),
    ...others.map(door),
    setns(ref('pid'), ['pid']),
    clone(),
    ...others.map((kind) => setns(ref(kind), [kind])),
    execve('/bin/sleep', ['sleep', '600']),
  ]
}
