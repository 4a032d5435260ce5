/** An archive into a directory of a container: `docker cp` into it. */

import type { ContainerSpec, Machine } from '../../../container/index.js'
import { LARGEST, lookUpUsers, readInPart, userFrom } from '../../../container/users.js'
import { type TarEntry, TarReader } from '../../../image/tar/index.js'
import { Owners } from '../../../image/unpack/owners.js'
import { CAUSES, type Failed, Sender } from '../../../image/unpack/sender.js'
import { Warnings } from '../../../image/unpack/warnings.js'
import { chdir } from '../../../kernel/calls/process.js'
import { errnoOf } from '../../../kernel/constants.js'
import { DrydockError } from '../../../kernel/errors.js'
import { StepError } from '../../../kernel/result.js'
import type { Shim } from '../../../kernel/shim.js'
import { container } from '../../../kernel/step.js'
import { Deposit } from './deposit.js'
import { type Asked, follow, look, pathError, TROUBLE } from './look.js'
import { shown } from './names.js'
import { unpacked } from './unpacked.js'

type Spec = Pick<ContainerSpec, 'mounts' | 'readOnlyRoot' | 'user'>

export interface WriteOptions {
  readonly spec: Spec
  readonly machine: Machine
  readonly noOverwriteDirNonDir: boolean
  /** Files become those of the container's user, when it has one. */
  readonly copyUidGid: boolean
  readonly warn: (sentence: string) => void
}

/** Where the archive goes: every link followed. Throws in docker's words when it cannot go there. */
export async function checkDestination(shim: Shim, asked: Asked, spec: Omit<Spec, 'user'>): Promise<string> {
  const stat = await look(shim, { ...asked, absolute: await follow(shim, asked.absolute) })
  if (stat.kind !== 'directory') throw new DrydockError('extraction point is not a directory', { status: 400 })
  const place = await follow(shim, asked.absolute)
  const volume = spec.mounts
    .filter(({ target }) => place === target || shown(place).startsWith(`${target}/`))
    .sort((a, b) => b.target.length - a.target.length)[0]
  if (volume?.readOnly) throw new DrydockError('mounted volume is marked read-only', { status: 403 })
  if (!volume && spec.readOnlyRoot) throw new DrydockError('container rootfs is marked read-only', { status: 403 })
  return place
}

/** Everything that the archive has, to its end; what was made before an error stays. The shim's child is confined to the container's files. */
export async function unpackInto(
  shim: Shim,
  asked: Asked,
  archive: AsyncIterable<Uint8Array>,
  { spec, machine, noOverwriteDirNonDir, copyUidGid, warn }: WriteOptions,
): Promise<void> {
  const place = await checkDestination(shim, asked, spec)
  const user = copyUidGid && spec.user !== '' ? await userOf(shim, spec) : undefined
  const [entered] = await shim.attempt(container([chdir(Buffer.from(place, 'latin1'), { allow: TROUBLE })]))
  if (entered?.status === 'allowed') throw pathError(errnoOf(entered.errno), asked)
  if (entered?.status === 'failed') throw new StepError(entered)

  const warnings = new Warnings()
  const sender = new Sender(
    shim,
    (path, call, errno) => {
      if (call.endsWith('xattr')) warnings.add(`extended attributes could not be set (${errno})`, path)
    },
    failureIn(shown(place)),
  )
  const owners = new Owners(machine.idmap)
  const ownerOf = (entry: TarEntry) => owners.of(user ? { ...entry, uid: user.uid, gid: user.gid } : entry)
  const options = {
    noOverwriteDirNonDir,
    devices: machine.idmap === undefined,
    ownerOf,
    warn: (kind: string, path: string) => warnings.add(kind, path),
  }
  const deposit = new Deposit(sender, shim.slot('file'), options)
  const reader = new TarReader(deposit)
  for await (const chunk of unpacked(archive)) {
    reader.push(chunk)
    await sender.room()
  }
  reader.finish()
  deposit.finish()
  await sender.done()
  for (const sentence of [...warnings.sentences(), ...(owners.warning ? [owners.warning] : [])]) warn(sentence)
}

/** The user that its programs run as, by its own passwd. */
async function userOf(shim: Shim, spec: Spec) {
  const steps = (size?: number) => lookUpUsers({ mounts: spec.mounts }, size).steps
  const answers = await shim.run(container(steps()))
  const whole = readInPart(answers) ? await shim.run(container(steps(LARGEST))) : answers
  return userFrom(whole, spec.user, [])
}

/** In the words of docker's own. */
function failureIn(place: string): Failed {
  return (path, call, { name, text }) => {
    const file = `${place === '/' ? '' : place}/${shown(path)}`
    if (name === 'EEXIST') return refused(`cannot overwrite directory "${file}" with non-directory "${place}"`)
    if (call === 'openat' && (name === 'ENOTDIR' || name === 'ELOOP')) {
      return refused(`cannot overwrite non-directory "${file}" with directory "${place}"`)
    }
    const because = name === 'EBUSY' ? 'something is mounted there' : CAUSES[name]
    return new DrydockError(`${call} ${file}: ${text.toLowerCase()}${because ? ` (${because})` : ''}`, {
      status: name === 'EROFS' ? 403 : 500,
    })
  }
}

const refused = (sentence: string) => new DrydockError(sentence, { status: 400 })
