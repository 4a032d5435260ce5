/** overlay by hand: two lower layers, reading, writing (copy-up), deleting (whiteout), and a directory that hides what is below. */
import { clone3, close, getxattr, host, mkdir, mount, open, read, ref, rmdir, unlink } from '../../../lib/index.js'
import { textOf } from '../../../lib/kernel/result.js'
import type { Box, Stage } from '../../../lib/tutor/lesson.js'
import { contentOf, directories, file, hashOf, isWhiteout, layerRows, layersOption, statOf } from '../looks.js'

const DESK = '/desk'
const LOWER = [`${DESK}/fonts`, `${DESK}/base`] as const
const [FONTS, BASE] = LOWER
const UPPER = `${DESK}/upper`
const WORK = `${DESK}/work`
const MERGED = `${DESK}/merged`

export async function tracingPaper(stage: Stage): Promise<void> {
  const { bottle } = stage
  const at = (path: string) => bottle.hostPath(path)
  const box = await stage.box()
  await box.together(
    'Two layers with a few files, and three empty directories',
    host([
      ...directories(DESK, BASE, `${BASE}/attic`, FONTS, UPPER, WORK, MERGED),
      ...file(`${BASE}/greeting`, 'hello from the base\n'),
      ...file(`${BASE}/menu`, 'fish\n'),
      ...file(`${BASE}/attic/trunk`, 'old letters\n'),
      ...file(`${FONTS}/greeting`, 'hello from the second layer\n'),
      ...file(`${FONTS}/sans`, 'aAbBcC\n'),
    ]),
  )
  await stage.look('The base', () => layerRows(at(BASE)))
  await stage.look('The second layer', () => layerRows(at(FONTS)))
  await box.step(
    clone3(['mnt'], { why: 'the mount is to be the child’s alone' }),
    mount(null, '/', null, ['rec', 'private']),
    mount('overlay', MERGED, 'overlay', [], layersOption(bottle, LOWER, { upper: UPPER, work: WORK }), {
      why: 'lowerdir: the stack, its top first; upperdir: the sheet that one writes on; workdir: a scratch pad of the kernel’s, on the same file system',
    }),
  )
  const merged = (path: string) => `/proc/${box.hostPid()}/root${MERGED}/${path}`
  await stage.look('What the child sees in merged', () => layerRows(merged('')))

  const before = hashOf(at(`${BASE}/menu`))
  const places = ['into the base, where the file is', 'into upper, only what was added', 'into upper, the whole file'] as const
  await stage.predict({
    question: 'The file `menu` is in the base. The child appends a line to `merged/menu`. Where does that go?',
    choices: places,
    async measure() {
      await box.step(...file(`${MERGED}/menu`, 'more fish\n', { append: true }))
      if (hashOf(at(`${BASE}/menu`)) !== before) return places[0]
      return contentOf(at(`${UPPER}/menu`)) === contentOf(merged('menu')) ? places[2] : places[1]
    },
    because:
      'At the first open for writing the kernel copies the file up, all of it, and from then on the copy is the file. It is called _copy-up_. With a large file, changing one byte costs a large copy.',
  })
  await stage.look('The file in three places', () => [
    { label: 'SHA-256 in the base before', value: before ?? '' },
    { label: 'SHA-256 in the base now', value: hashOf(at(`${BASE}/menu`)) ?? 'gone' },
    { label: 'in upper', value: JSON.stringify(contentOf(at(`${UPPER}/menu`)) ?? '') },
    { label: 'in merged', value: JSON.stringify(contentOf(merged('menu')) ?? ''), notice: true },
  ])

  const deleted = ['it is deleted in the second layer', 'something appears in upper', 'the call fails: the layer is read-only'] as const
  await stage.predict({
    question: 'The child deletes `merged/sans`, which is in the second layer. How is that done?',
    choices: deleted,
    async measure() {
      await box.step(unlink(`${MERGED}/sans`, { why: 'the file goes; but the layer that it is in must not change' }))
      if (statOf(at(`${FONTS}/sans`)) === undefined) return deleted[0]
      return isWhiteout(statOf(at(`${UPPER}/sans`))) ? deleted[1] : deleted[2]
    },
    because:
      'To delete is to *create*: a file in upper that says "not here". It is a character device with the numbers 0:0, for which there is no driver, and its name is a _whiteout_.',
  })
  await stage.look('upper', () => layerRows(at(UPPER)))
  await stage.shell(box, [
    {
      command: 'ls -lR /desk/merged /desk/upper',
      why: 'the stack and its topmost sheet; everything below /desk is there to be played with',
    },
    { command: 'echo tea > /desk/merged/list; rm /desk/merged/greeting; ls -l /desk/upper', why: 'a new file, and one more whiteout' },
    { command: 'ls -l /desk/base /desk/fonts', why: 'and the layers below' },
  ])
  await opaque(stage, box)
  await stage.exercise('layers')
}

/** A directory deleted and made anew: its name must not let the old content show through. */
async function opaque(stage: Stage, box: Box): Promise<void> {
  const { bottle } = stage
  await box.together('The child deletes the attic and all that is in it', [unlink(`${MERGED}/attic/trunk`), rmdir(`${MERGED}/attic`)])
  const [remade] = await box.step(
    mkdir(`${MERGED}/attic`, 0o755, {
      allow: ['EIO', 'EPERM', 'EOPNOTSUPP'],
      why: 'and makes a new one of the same name. Should the old trunk stand in it?',
    }),
  )
  if (remade?.status !== 'ok') {
    await stage.say(
      'This kernel’s tmpfs cannot keep the note that overlay has to make here (an attribute `user.…`, since Linux 6.6), so it refuses.',
    )
    return
  }
  const name = `${bottle.rootless ? 'user' : 'trusted'}.overlay.opaque`
  const [note] = await box.step(
    host(getxattr(`${UPPER}/attic`, name, 16, { why: 'a note at the new directory in upper, where ls does not look' })),
  )
  await stage.look('The attic', () => [
    { label: 'in the base', value: JSON.stringify(layerRows(bottle.hostPath(`${BASE}/attic`)).map(({ label }) => label)) },
    { label: 'in upper', value: `an empty directory, ${name} is ${note ? JSON.stringify(textOf(note)) : 'not set'}` },
    { label: 'in merged', value: layerRows(`/proc/${box.hostPid()}/root${MERGED}/attic`)[0]?.value ?? '', notice: true },
  ])
  await stage.say('An _opaque_ directory: the sheet is painted over at this place, and nothing below shows through.')
  await box.step(
    host(open(`${BASE}/attic/trunk`, ['rdonly'], { keep: 'trunk', why: 'and yet nothing was lost: the base is as it was' })),
    host(read(ref('trunk'), 100)),
    host(close(ref('trunk'))),
  )
}
