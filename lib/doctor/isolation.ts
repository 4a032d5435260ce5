/** What the kernel lets this user make: namespaces, ids, cgroups, overlays, packet filter. Tried wherever trying leaves nothing. */
import { readProcFile } from '../kernel/proc/read.js'
import { type CgroupHost, detectCgroups, hierarchyOf } from '../primitives/cgroups/index.js'
import { type IdmapPlan, planIdmap } from '../primitives/idmap.js'
import { type Facts, readFacts } from '../tutor/facts.js'
import { type NamespaceTrial, tryUserNamespace } from '../tutor/namespace-trials.js'
import { type CgroupController, missing as lacking, userNamespaces } from '../tutor/needs.js'
import { type Chapter, type Finding, missing, ok, restricted } from './finding.js'
import { insideBottle } from './trials.js'

export async function isolation(facts: Facts = readFacts()): Promise<Chapter> {
  const answer = await tryUserNamespace()
  return {
    title: 'Namespaces',
    findings: [
      namespaces(facts, answer),
      ...settings(facts),
      await ids(facts, async () => answer),
      ...(await insideBottle()),
      forwarding(readProcFile('/proc/sys/net/ipv4/ip_forward')?.trim()),
    ],
  }
}

/** What came of the trial; the settings are only the reasons. */
export function namespaces(facts: Facts, answer: string): Finding {
  const lack = userNamespaces(facts, answer)
  if (!lack) return ok('user namespaces', `made one, and mounted in it${facts.effectiveUid === 0 ? '' : ' as an ordinary user'}`)
  return missing('user namespaces', lack.why, lack.remedy)
}

/** The three settings that can forbid them: shown where they exist, as they also matter for other users than this one. */
export function settings(facts: Facts): Finding[] {
  const { maxUserNamespaces: most, unprivilegedUsernsClone: clone, apparmorRestrictsUserns: apparmor } = facts
  const found: Finding[] = []
  if (most !== undefined) {
    found.push(
      most > 0
        ? ok('their number', `up to ${most} (user.max_user_namespaces)`)
        : missing('their number', 'user.max_user_namespaces is 0', 'run: sudo sysctl user.max_user_namespaces=15000'),
    )
  }
  if (clone === 0) {
    found.push(
      restricted('their users', 'kernel.unprivileged_userns_clone is 0: root only', 'run: sudo sysctl kernel.unprivileged_userns_clone=1'),
    )
  }
  if (apparmor) {
    found.push(
      restricted(
        'AppArmor',
        `kernel.apparmor_restrict_unprivileged_userns is ${apparmor}: ordinary users' namespaces have no powers`,
        'use sudo, or lift it for every program: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0',
      ),
    )
  }
  return found
}

export async function ids(facts: Facts, trial: NamespaceTrial, plan: Pick<IdmapPlan, 'says'> = planIdmap()): Promise<Finding> {
  const [lack] = await lacking(['several-ids'], facts, trial)
  return lack ? restricted('ids', lack.why, lack.remedy) : ok('ids', plan.says)
}

/** Nothing before lesson 5 needs it, so it is not missing. */
export function forwarding(value: string | undefined): Finding {
  if (value === '1') return ok('forwarding', 'net.ipv4.ip_forward is 1')
  return restricted(
    'forwarding',
    `net.ipv4.ip_forward is ${value ?? 'not readable'}: packets of containers get no further than this host`,
    'run: sudo sysctl net.ipv4.ip_forward=1 (lessons set it in a bottle of their own)',
  )
}

const CONTROLLERS: readonly CgroupController[] = ['memory', 'cpu', 'cpuset', 'pids', 'io', 'devices', 'freezer']

/** Layout, and of each controller whether this user can make groups with it. */
export function limits(host: CgroupHost = detectCgroups()): Chapter {
  const layout =
    host.layout === 'none'
      ? missing('layout', 'no cgroup file system is mounted', 'mount one: sudo mount -t cgroup2 none /sys/fs/cgroup')
      : ok('layout', { v1: 'version 1', v2: 'version 2', hybrid: 'hybrid: version 1, and version 2 beside it' }[host.layout])
  const usable = CONTROLLERS.flatMap((name) => {
    const place = placeOf(name, host)
    return place === undefined ? [] : [{ name, place }]
  })
  const closed = CONTROLLERS.filter((name) => !usable.some((one) => one.name === name))
  const places = [...new Set(usable.map(({ place }) => place))].map(
    (place) =>
      `${usable
        .filter((one) => one.place === place)
        .map(({ name }) => name)
        .join(', ')} (${place})`,
  )
  const findings = [layout]
  if (usable.length > 0) findings.push(ok('controllers', `limits can be set here: ${places.join('; ')}`))
  if (closed.length > 0) {
    const [says = 'this kernel, or the container around, does not offer them', remedy] = splitProblem(host.problems[0])
    const first = usable.length === 0 ? missing : restricted
    findings.push(first('not usable', `${closed.join(', ')}: ${says}`, remedy ?? 'a kernel that has them (cgroup_enable=memory …)'))
    for (const problem of host.problems.slice(1)) {
      const [more = '', help] = splitProblem(problem)
      findings.push(restricted('also', more, help ?? 'run with sudo'))
    }
  }
  return { title: 'Limits (cgroups)', findings }
}

/** On version 2 every group can be frozen, and devices are decided by a program. */
function placeOf(name: CgroupController, host: CgroupHost): string | undefined {
  const found = hierarchyOf(host.hierarchies, name)
  if (found) return `version ${found.version}`
  const second = host.hierarchies.some(({ version }) => version === 2)
  if (!second) return undefined
  if (name === 'freezer') return 'version 2'
  return name === 'devices' && host.devicePrograms ? 'version 2, by a program' : undefined
}

/** `why: remedy` or `why. remedy`, as the detection words them. */
function splitProblem(problem: string | undefined): [says?: string, remedy?: string] {
  if (problem === undefined) return []
  const [, says, remedy] = /^(.*?given to you[^:.]*)(?:: ([^.]*)|.*)$/s.exec(problem) ?? []
  if (says === undefined) return [problem]
  return [says, remedy?.startsWith('start') || remedy?.startsWith('run') ? remedy : 'run with sudo']
}
