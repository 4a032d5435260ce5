/** The exercise “errand”: a secret of vm-1, a decoy on vm-2, an open port, and what stands in the answer. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import type { Bottle } from '../../../lib/bottle.js'
import type { Ground } from '../../../lib/tutor/ground.js'
import type { Setting, Trial } from '../../../lib/tutor/lesson.js'
import { newName } from '../../01-namespaces/looks.js'
import { contentOf } from '../../04-rootfs/looks.js'
import { open, PORT, quietEngine } from '../engine.js'
import { twoHosts } from '../ground.js'
import { doors, relay } from './settings.js'

export async function errandSetting(_bottle: Bottle, { directory }: Trial['challenge'], ground: Ground): Promise<Setting> {
  const hosts = twoHosts({ ground })
  const file = `${directory}/${newName('log')}`
  for (const name of ['vm-1', 'vm-2'] as const) {
    const bottle = hosts.on(name)
    mkdirSync(bottle.hostPath(directory as string))
    writeFileSync(bottle.hostPath(file), `${newName(`secret-of-${name}`)}\n`)
    chmodSync(bottle.hostPath(file), 0o600)
  }
  await quietEngine(hosts, open(hosts))
  const { paths, close } = await doors([await relay(hosts, PORT)])
  return { given: { file, socket: paths[0] as string }, close }
}

export async function checkErrand(trial: Trial): Promise<void> {
  const hosts = twoHosts(trial)
  const { file, answer } = trial.challenge as Readonly<Record<'file' | 'answer', string>>
  await trial.run()
  const content = (name: 'vm-1' | 'vm-2', path: string) => contentOf(hosts.on(name).hostPath(path))
  const [wanted, decoy, got] = [content('vm-1', file)?.trim(), content('vm-2', file)?.trim(), content('vm-2', answer)]
  const astray = got === undefined && content('vm-1', answer) !== undefined
  if (got === undefined) return trial.expect(false, `${answer} is not on vm-2${astray ? ', but on vm-1' : ''}`, 4)
  const text = got.trim()
  if (text === decoy) return trial.expect(false, `${answer} has in it what stands in ${file} of vm-2`, 1)
  const framed = wanted !== undefined && text !== wanted && text.includes(wanted)
  const saw = `${answer} on vm-2 has ${JSON.stringify(got.slice(0, 60))} in it, which is not what stands in ${file} of vm-1`
  trial.expect(text === wanted, saw, framed ? 3 : 1)
}
