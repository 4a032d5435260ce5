/** Things that are known only when they were tried: in a bottle, which is gone afterwards with all that was tried in it. */
import { Bottle } from '../bottle.js'
import { mkdir } from '../kernel/calls/files.js'
import { mount } from '../kernel/calls/mounts.js'
import { clone3 } from '../kernel/calls/process.js'
import { sentenceOf } from '../kernel/errors.js'
import type { Result } from '../kernel/result.js'
import { showOutcome } from '../kernel/show.js'
import { tryNat } from '../tutor/network-trials.js'
import { findCommand, installHint } from '../tutor/packages.js'
import { type Finding, missing, ok, restricted } from './finding.js'

export async function insideBottle(): Promise<Finding[]> {
  let bottle: Bottle
  try {
    bottle = await Bottle.open({ name: 'doctor' })
  } catch (error) {
    return [missing('bottle', sentenceOf(error), 'see above, or run with sudo')]
  }
  try {
    const made = ok('bottle', `a private host was made${bottle.rootless ? ', in a user namespace' : ''}, and is gone again`)
    return [made, await overlay(bottle), await packetFilter(bottle)]
  } finally {
    await bottle.close()
  }
}

/** One file system over another, on memory: what an image's layers need. */
async function overlay(bottle: Bottle): Promise<Finding> {
  const place = '/tmp/doctor'
  const data = `lowerdir=${place}/lower,upperdir=${place}/upper,workdir=${place}/work${bottle.rootless ? ',userxattr' : ''}`
  const shim = await bottle.shim()
  const results = await shim.attempt([
    clone3(['mnt']),
    mkdir(place),
    mount('doctor', place, 'tmpfs'),
    ...['lower', 'upper', 'work', 'merged'].map((name) => mkdir(`${place}/${name}`)),
    mount('overlay', `${place}/merged`, 'overlay', [], data),
  ])
  await shim.rollback()
  const failed = firstFailure(results)
  if (!failed) return ok('overlay', `mounted one${bottle.rootless ? ' in a user namespace' : ''}`)
  return missing(
    'overlay',
    `${failed.step.call}: ${showOutcome(failed)}`,
    'load it with `sudo modprobe overlay`, or a kernel that has it (in user namespaces: 5.11)',
  )
}

/** A chain that translates addresses, in a network of its own. */
async function packetFilter(bottle: Bottle): Promise<Finding> {
  const nft = findCommand('nft')
  if (!nft) return missing('nft', 'it is not installed (no lesson before 5 needs it)', `run: ${installHint(['nft'])}`)
  const answer = await tryNat(bottle)
  if (answer === 'yes') return ok('nft', `${nft}, and the kernel translates addresses`)
  return restricted(
    'nft',
    `${nft} could not add a chain for address translation (${answer})`,
    'load it with `sudo modprobe -a nft_masq nft_nat`, or a kernel that has nf_tables',
  )
}

const firstFailure = (results: readonly Result[]) => results.find(({ status }) => status === 'failed')
