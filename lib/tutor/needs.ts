/** What a lesson cannot do without, why this machine does not have it, and what helps. */

import { type Facts, readFacts } from './facts.js'
import type { Lesson } from './lesson.js'
import { type NamespaceTrial, tryOverlayMount, tryUserNamespace } from './namespace-trials.js'
import { type NetworkTrial, NO_NFT, tryNetwork } from './network-trials.js'
import { findCommand, installHint } from './packages.js'

export type CgroupController = 'memory' | 'pids' | 'cpu' | 'cpuset' | 'freezer' | 'io' | 'devices'

export type Need =
  /** A private host: as root, or in a user namespace. Every scene has one, so lessons need not name it. */
  | 'bottle'
  | 'root'
  /** User namespaces can be made inside the bottle. */
  | 'user-namespaces'
  /** More than one user id inside the bottle: as root, or by newuidmap and a range in /etc/subuid. */
  | 'several-ids'
  /** File systems of the type overlay can be mounted inside: for ordinary users since Linux 5.11. */
  | 'overlay'
  /** A setuid program of the bottle's root can be made there and run by another user. */
  | 'setuid-binary'
  /** Groups of one's own with this controller, on either version. */
  | `cgroup:${CgroupController}`
  /** Cables (veth pairs) and bridges can be made in a network namespace of the bottle. */
  | 'links'
  /** The nft program is there, and the kernel translates addresses. */
  | 'nat'
  /** An engine's containers start where nothing is said of a network: root's are plugged into one, whose rules nft makes. Those of an ordinary user go without where there is no nft. */
  | 'default-network'
  /** A program of this name is installed; with several names, one of them is: `command:runc|crun`. */
  | `command:${string}`
  /** A kernel of at least this version: `kernel:5.12`. */
  | `kernel:${number}.${number}`

/** What lessons put a userland together of: busybox, or the machine's own programs, of which small installations lack `ps`. */
export const USERLAND = 'command:busybox|ps' satisfies Need

export interface Missing {
  readonly need: Need
  readonly why: string
  readonly remedy: string
  /** Does running as root help? */
  readonly root: boolean
}

/** A need as a part of a sentence: `it needs cgroups with the memory controller`. */
export function needInWords(need: Need): string {
  if (need.startsWith('cgroup:')) return `cgroups with the ${need.slice('cgroup:'.length)} controller`
  if (need.startsWith('kernel:')) return `Linux ${need.slice('kernel:'.length)}`
  if (need.startsWith('command:')) return `the program ${commandsOf(need).join(' or ')}`
  return NEEDS_IN_WORDS[need as keyof typeof NEEDS_IN_WORDS]
}

const NEEDS_IN_WORDS = {
  bottle: 'a private host (root, or a user namespace)',
  root: 'root',
  'user-namespaces': 'user namespaces',
  'several-ids': 'more than one user id in a user namespace',
  'setuid-binary': 'setuid programs of a user namespace',
  links: 'cables and bridges',
  nat: 'nft, and address translation in the kernel',
  'default-network': 'nft, which makes the rules of containers’ networks',
  overlay: 'the overlay file system',
} as const

/** Everything that a lesson may need somewhere, and what of it for all of it. */
export function needsOf(lesson: Pick<Lesson, 'needs' | 'scenes' | 'exercises'>): { always: readonly Need[]; somewhere: readonly Need[] } {
  const always: Need[] = ['bottle', ...lesson.needs]
  const parts = [...lesson.scenes, ...lesson.exercises].flatMap(({ needs = [] }) => needs)
  return { always, somewhere: [...new Set([...always, ...parts])] }
}

/** What of the network works in a bottle. */
export type NetworkTry = () => Promise<NetworkTrial>

/** Those of the needs that this machine, for this user, does not meet. */
export async function missing(
  needs: readonly Need[],
  facts: Facts = readFacts(),
  tryNamespace: NamespaceTrial = tryUserNamespace,
  tryNet: NetworkTry = tryNetwork,
  tryOverlay: NamespaceTrial = tryOverlayMount,
): Promise<Missing[]> {
  const found: Missing[] = []
  const trials = { namespace: once(tryNamespace), network: once(tryNet), overlay: once(tryOverlay) }
  for (const need of new Set(needs)) {
    const lacks = await check(need, facts, trials)
    if (lacks) found.push({ need, ...lacks })
  }
  return found
}

interface Trials {
  readonly namespace: NamespaceTrial
  readonly network: NetworkTry
  readonly overlay: NamespaceTrial
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

type Lack = Omit<Missing, 'need'> | undefined

async function check(need: Need, facts: Facts, trials: Trials): Promise<Lack> {
  const isRoot = facts.effectiveUid === 0
  if (need === 'root') return isRoot ? undefined : { why: 'this part asks for root', remedy: 'run it with sudo', root: true }
  if (need === 'bottle') return isRoot ? undefined : userNamespaces(facts, await trials.namespace())
  if (need === 'user-namespaces') return userNamespaces(facts, await trials.namespace())
  if (need === 'several-ids' || need === 'setuid-binary') {
    if (isRoot) return undefined
    return userNamespaces(facts, await trials.namespace()) ?? severalIds(facts)
  }
  if (need === 'default-network') return isRoot ? network('nat', (await trials.network()).nat) : undefined
  if (need === 'links' || need === 'nat') {
    // Without a bottle the trial would only say that there is none.
    const noBottle = isRoot ? undefined : userNamespaces(facts, await trials.namespace())
    return noBottle ?? network(need, (await trials.network())[need])
  }
  if (need === 'overlay') {
    const refused = isRoot ? undefined : userNamespaces(facts, await trials.namespace())
    return refused ?? overlay(facts, await trials.overlay())
  }
  if (need.startsWith('cgroup:')) return cgroup(need.slice('cgroup:'.length), facts)
  if (need.startsWith('command:')) return command(commandsOf(need))
  return kernel(need.slice('kernel:'.length), facts)
}

/** The reason in the settings for what the kernel answered. */
export function userNamespaces(facts: Facts, answer: string): Lack {
  if (answer === 'yes') return undefined
  const isRoot = facts.effectiveUid === 0
  if (facts.maxUserNamespaces === undefined) {
    return { why: 'this kernel was built without user namespaces', remedy: 'run the lesson with sudo', root: !isRoot }
  }
  if (facts.maxUserNamespaces === 0) {
    return {
      why: `no user namespace may be made here: /proc/sys/user/max_user_namespaces is 0 (the kernel answered ${answer})`,
      remedy: 'sudo sysctl user.max_user_namespaces=15000, or run the lesson with sudo',
      root: !isRoot,
    }
  }
  if (!isRoot && facts.unprivilegedUsernsClone === 0) {
    return {
      why: `only root may make user namespaces here: /proc/sys/kernel/unprivileged_userns_clone is 0 (the kernel answered ${answer})`,
      remedy: 'sudo sysctl kernel.unprivileged_userns_clone=1, or run the lesson with sudo',
      root: true,
    }
  }
  if (!isRoot && facts.apparmorRestrictsUserns) {
    return {
      why:
        `AppArmor takes the powers from user namespaces of ordinary users here: /proc/sys/kernel/apparmor_restrict_unprivileged_userns is ` +
        `${facts.apparmorRestrictsUserns} (the kernel answered ${answer})`,
      remedy: 'run the lesson with sudo, or sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, which lifts it for every program',
      root: true,
    }
  }
  if (facts.underSeccomp) {
    return {
      why: `the tutor itself runs under a seccomp filter, as in a container, which forbids it (the kernel answered ${answer})`,
      remedy: 'run it outside, or start the container with --security-opt seccomp=unconfined and --cap-add SYS_ADMIN',
      root: false,
    }
  }
  return {
    why: `a user namespace could not be made, and no setting known here explains it (the kernel answered ${answer}${/EPERM/.test(answer) ? '; to whoever is in a chroot it always does' : ''})`,
    remedy: isRoot ? 'npm run doctor shows the settings' : 'run the lesson with sudo; npm run doctor shows the settings',
    root: !isRoot,
  }
}

function severalIds(facts: Facts): Lack {
  const without = 'so only one user id exists inside a bottle of yours'
  if (!facts.newuidmap) {
    return {
      why: `newuidmap is not installed, ${without}`,
      remedy:
        'install it (package uidmap on Debian and Ubuntu, shadow-utils on Fedora, shadow-uidmap on Alpine), or run the lesson with sudo',
      root: true,
    }
  }
  if (facts.subordinateIds) return undefined
  const user = facts.userName || 'your user'
  return {
    why: `/etc/subuid or /etc/subgid has no range for ${user}, ${without}`,
    remedy: `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user}, or run the lesson with sudo`,
    root: true,
  }
}

function overlay(facts: Facts, answer: string): Lack {
  if (answer === 'yes') return undefined
  const isRoot = facts.effectiveUid === 0
  if (answer.includes('ENODEV')) {
    return {
      why: 'this kernel has no overlay file system: /proc/filesystems does not list it',
      remedy: isRoot ? 'load its module: modprobe overlay' : 'have its module loaded: sudo modprobe overlay',
      root: false,
    }
  }
  return {
    why: `this user may not mount an overlay file system, which takes root before Linux 5.11, and this is ${facts.kernel} (the kernel answered ${answer})`,
    remedy: isRoot ? 'npm run doctor shows the settings' : 'run the lesson with sudo',
    root: !isRoot,
  }
}

function cgroup(name: string, facts: Facts): Lack {
  const isRoot = facts.effectiveUid === 0
  // The names of two controllers changed between the versions, and version 2 freezes without one.
  const anyVersion2 = [...facts.controllers.values()].find(({ version }) => version === 2)
  const found = facts.controllers.get(name) ?? (name === 'io' ? facts.controllers.get('blkio') : undefined)
  const controller = found ?? (name === 'freezer' || name === 'devices' ? anyVersion2 : undefined)
  if (!controller) {
    return {
      why: `the ${name} controller of cgroups is not there: neither version 1 nor version 2 offers it here`,
      remedy:
        'it may be switched off by a kernel parameter (cgroup_disable=, cgroup_enable=) or by the container around; npm run doctor lists what is there',
      root: false,
    }
  }
  if (controller.writable) return undefined
  return {
    why: `cgroups with the ${name} controller (version ${controller.version}) cannot be made by this user: ${controller.directory} is not writable`,
    remedy: isRoot
      ? 'the cgroup file system is mounted read-only, as in a container: run it outside'
      : controller.version === 2
        ? 'run the lesson with sudo, or in a delegated scope: systemd-run --user --scope -p Delegate=yes npm run lesson'
        : 'run the lesson with sudo: version 1 is never delegated to ordinary users',
    root: !isRoot,
  }
}

function network(need: 'links' | 'nat', answer: string): Lack {
  if (answer === 'yes') return undefined
  if (answer === NO_NFT) return { why: 'the program nft is not installed', remedy: installHint(['nft']), root: false }
  const [what, modules] =
    need === 'links' ? ['make cables and bridges', 'veth bridge'] : ['translate addresses', 'nft_chain_nat nft_masq nft_nat']
  return {
    why: `the kernel of this machine does not ${what} (it answered ${answer})`,
    remedy: `sudo modprobe -a ${modules}, or a kernel that has them`,
    root: false,
  }
}

const commandsOf = (need: Need) => need.slice('command:'.length).split('|')

function command(names: readonly string[]): Lack {
  if (names.some((name) => findCommand(name) !== undefined)) return undefined
  const what = names.length === 1 ? `the program ${names[0]} is not installed` : `none of the programs ${names.join(' and ')} is installed`
  return { why: what, remedy: installHint(names.slice(0, 1)), root: false }
}

function kernel(wanted: string, facts: Facts): Lack {
  const numbers = (version: string) => version.split('.').map((part) => Number.parseInt(part, 10) || 0)
  const [major = 0, minor = 0] = numbers(facts.kernel)
  const [wantedMajor = 0, wantedMinor = 0] = numbers(wanted)
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return undefined
  return {
    why: `this needs Linux ${wanted}, and this is ${facts.kernel}`,
    remedy: 'a newer kernel, for example in a VM (vm/README.md)',
    root: false,
  }
}
