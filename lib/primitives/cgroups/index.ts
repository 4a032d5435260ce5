/**
 * cgroups: how much of the machine a group of processes gets. cgroups(7).
 *
 *     detect.ts     which versions and controllers are here, and where we may make directories
 *     spec.ts       limits in Docker's units, and what is nonsense
 *     v1.ts v2.ts   limits as files and values
 *     devices.ts    device rules: v1 lists, v2 a program
 *     fragment.ts   the steps
 *     live.ts       a cgroup that lives: read, freeze, kill, update, remove
 *     parents.ts    the directories that all share
 *     ledger.ts     what was made, on disk, so that a crash leaves nothing for ever
 */
export { below, type CgroupHost, CONTROLLERS_V2, detectCgroups, type Hierarchy, hierarchyOf } from './detect.js'
export { DEFAULT_DEVICES, type DeviceRule, deviceRuleText, parseDeviceRule } from './devices.js'
export { type Cgroup, type CgroupDirectory, type CgroupsFragment, cgroupAt, cgroups, joinCgroups, notEnforced } from './fragment.js'
export { Ledger, type Leftover, readLedger, removeLeftovers } from './ledger.js'
export {
  type CgroupEvents,
  type CgroupReading,
  type CgroupUsage,
  type Counter,
  cgroupOf,
  freeze,
  isFrozen,
  killAll,
  readEvents,
  readLimits,
  readProcesses,
  readUsage,
  remove,
  thaw,
  update,
} from './live.js'
export { lostParent, removeParents } from './parents.js'
export { type CgroupLimits, type CgroupSpec, checkLimits, type IoMax, pathComponents, weightOfShares } from './spec.js'
