/** Version 1 and version 2, side by side: how to tell them apart, and what their files are called. */
import { host, statfs } from '../../../lib/index.js'
import { wordOf } from '../../../lib/kernel/constants.js'
import type { LookRow, Stage } from '../../../lib/tutor/lesson.js'
import { content, LIMIT_FILE, treeOf } from '../groups.js'

export async function twoVersions(stage: Stage): Promise<void> {
  const { bottle } = stage
  const { hierarchies } = bottle.cgroup.inside
  const { path } = treeOf(bottle, 'memory')
  const box = await stage.box()

  const choices = ['version 1', 'version 2'] as const
  await stage.predict({
    question: `Which version is the tree at \`${path}\` of? (Nobody can know by heart. \`statfs\` tells: every kind of file system has a number.)`,
    choices,
    async measure() {
      const [answer] = await box.step(host(statfs(path, { why: 'what kind of file system is this?' })))
      // The magic number is the first member, a word of the machine.
      const magic = Number(answer?.outs[0]?.readBigInt64LE(0))
      return wordOf('fs_magic', magic) === 'cgroup2' ? choices[1] : choices[0]
    },
    because: 'The answer begins with the magic number: 0x27e0eb for version 1, 0x63677270 for version 2, which is “cgrp” in ASCII.',
  })
  await stage.look('The trees of this bottle', () =>
    hierarchies.map(({ version, name, mount, controllers }) => ({
      label: mount,
      value: `version ${version}, ${controllers.length > 0 ? controllers.join(', ') : name === 'unified' ? 'no controllers: version 1 has them' : 'no controller, only names'}`,
    })),
  )
  await stage.look('The place of the bottle’s first process: a line for each tree', () =>
    (content(bottle.hostPath('/proc/1/cgroup')) ?? '').split('\n').map((line): LookRow => {
      const [, names = '', ...place] = line.split(':')
      return { label: names === '' ? 'version 2' : names, value: place.join(':') }
    }),
  )
  const used = { 1: treeOf(bottle, 'memory').version === 1, 2: treeOf(bottle, 'memory').version === 2 }
  await stage.look('One idea, two sets of names (yours is marked)', () => {
    const rows: [what: string, v1: string, v2: string][] = [
      ['memory', LIMIT_FILE.memory[1], LIMIT_FILE.memory[2]],
      ['killed', 'memory.oom_control, oom_kill', 'memory.events, oom_kill'],
      ['processes', LIMIT_FILE.pids[1], LIMIT_FILE.pids[2]],
      ['processor', 'cpu.cfs_quota_us', LIMIT_FILE.cpu[2]],
      ['stopped', 'freezer.state, FROZEN', 'cgroup.freeze, 1'],
    ]
    return rows.flatMap(([what, v1, v2]): LookRow[] => [
      { label: `${what}, version 1`, value: v1, notice: used[1] },
      { label: `${what}, version 2`, value: v2, notice: used[2] },
    ])
  })
}
