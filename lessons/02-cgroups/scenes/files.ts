/** A group by hand: mkdir, a limit, what the kernel makes of it, rmdir. */
import { readdirSync } from 'node:fs'
import { host, mkdir, rmdir, unlink } from '../../../lib/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { content, LIMIT_FILE, put, treeOf } from '../groups.js'

const ASKED = 33_000_000

export async function aDirectory(stage: Stage): Promise<void> {
  const { bottle } = stage
  const { version, path: tree } = treeOf(bottle, 'memory')
  const group = `${tree}/crew`
  const files = () => readdirSync(bottle.hostPath(group))
  const box = await stage.box()

  const born = ['none: it has just been made', 'one: the limit', 'many, and nobody has written them'] as const
  await stage.predict({
    question: `We make the directory \`${group}\`. How many files are in it then?`,
    choices: born,
    async measure() {
      await box.step(host(mkdir(group, 0o755, { why: 'a directory in the cgroup tree, and so a group' })))
      return files().length === 0 ? born[0] : files().length === 1 ? born[1] : born[2]
    },
    because: 'They are not on any disk. The kernel shows its counters and switches for this group as files, as long as there is the group.',
  })
  await stage.look(`Some of the ${files().length} files in it`, () =>
    files()
      .filter((name) => /^cgroup\.procs$|^memory\.(limit_in_bytes|usage_in_bytes|max|current|events|oom_control)$/.test(name))
      .map((name) => ({
        label: name,
        value: (content(bottle.hostPath(`${group}/${name}`)) ?? '(only for writing)').split('\n').join(', '),
      })),
  )

  const file = `${group}/${LIMIT_FILE.memory[version]}`
  const read = ['33000000, what else', 'a little less than 33000000', 'nothing: the kernel refuses such a number'] as const
  await stage.predict({
    question: `We write ${ASKED} into \`${LIMIT_FILE.memory[version]}\` and read it again. What does it say?`,
    choices: read,
    async measure() {
      await box.step(...host(put(file, String(ASKED), 'a limit of 33 million bytes')))
      const now = Number(content(bottle.hostPath(file)))
      return now === ASKED ? read[0] : now < ASKED && now > 0 ? read[1] : read[2]
    },
    get because() {
      return `It says ${content(bottle.hostPath(file)) ?? 'something else'}: memory is handed out in pages of 4096 bytes, and so is the limit. The file is a question to the kernel, not a note on paper.`
    },
  })

  await stage.say('How does one get rid of a directory that is full of files?')
  await box.fails(host(unlink(file, { why: 'can one delete the file?' })), 'EPERM', 'EACCES')
  await box.step(host(rmdir(group, { why: 'and yet the directory can be removed: the files were never in it' })))
}
