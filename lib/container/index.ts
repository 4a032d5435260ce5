/**
 * A container: what it is to be, the list of calls that makes it, its life.
 *
 *     spec.ts       what was asked for, resolved
 *     machine.ts    what this machine is
 *     assemble.ts   the primitives' fragments for it
 *     plan.ts       fragments into one list; phases.ts the order and its reasons
 *     users.ts      who the program runs as, read inside
 *     start.ts      the list made, with its meetings
 *     failures.ts   why it was not, in Docker's exit codes
 *     layout.ts state.ts   where it is on disk
 *     files.ts      hosts, hostname
 */
export { type Assembled, assemble, type Surroundings } from './assemble.js'
export { type ExecSpec, type StartedExec, startExec } from './exec.js'
export { notRunning } from './exec-failures.js'
export { StartError } from './failures.js'
export { ensureDataRoot, type Layout, layoutOf } from './layout.js'
export { deviceOf, hostDevices, type Machine, machineFor, readMachine } from './machine.js'
export { type PlannedStep, plan } from './plan.js'
export {
  type ContainerSpec,
  cgroupPath,
  checkHostname,
  checkName,
  type Declared,
  type NetworkMode,
  type OwnIpc,
  type Sharing,
  shortId,
} from './spec.js'
export { type Started, start } from './start.js'
export * from './state.js'
export { likelyUser } from './users.js'
