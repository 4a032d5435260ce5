/** An archive that wants to get out: by `..`, and by a link that it brings along; and the call that does not let it. */
import { close, host, mkdir, mount, open, openat2, ref, symlink, write } from '../../../lib/index.js'
import type { Stage } from '../../../lib/tutor/lesson.js'
import { contentOf, file } from '../../04-rootfs/looks.js'
import { entries, pack } from '../tar.js'

const TARGET = '/store/layer'
const VICTIM = '/house/keys'

const EVIL = pack([
  { path: '../../house/keys', type: 'file', content: 'stolen\n' },
  { path: 'way', type: 'symlink', target: '/house' },
  { path: 'way/keys', type: 'file', content: 'stolen\n' },
])

export async function evil(stage: Stage): Promise<void> {
  const { bottle } = stage
  const list = entries(EVIL)
  await stage.look('An archive. Tar allows all of it', () =>
    list.map(({ path, type, target, content }) => ({
      label: path,
      value: type === 'symlink' ? `a link to ${target}` : JSON.stringify(content.toString().trim()),
      notice: true,
    })),
  )
  const box = await stage.box('unpacker')
  await box.together('A file outside, and the directory into which the layer shall go', [
    ...host([
      mkdir('/house'),
      ...file(VICTIM, 'mine\n'),
      mkdir('/store'),
      mount('tmpfs', '/store', 'tmpfs', [], 'mode=755'),
      mkdir(TARGET),
    ]),
    open(TARGET, ['directory', 'path'], { keep: 'target' }),
  ])
  const [first, link, through] = list as [(typeof list)[0], (typeof list)[0], (typeof list)[0]]
  await stage.say(
    'An unpacker that trusts people takes the directory, a slash, and the name from the archive. The entry with the dots one can see; so it looks for `..` and leaves that out. Then it makes the link, which is allowed, since images are full of links; and the third entry has no dots.',
  )
  await box.step(symlink(link.target, `${TARGET}/${link.path}`, { why: 'a link with any text is allowed: it is only text' }))
  const [inside, outside, refused] = ['in the layer, at way/keys', `${VICTIM} has been overwritten`, 'it is refused'] as const
  await stage.predict({
    question: `Now \`${TARGET}/${through.path}\` is opened for writing, and written to. Where does it land?`,
    choices: [inside, outside, refused],
    async measure() {
      const [opened] = await box.step(
        open(`${TARGET}/${through.path}`, ['creat', 'trunc', 'wronly'], {
          mode: 0o644,
          keep: 'file',
          allow: ['EACCES', 'ELOOP'],
          why: 'the name, appended to the directory',
        }),
      )
      if (opened?.status !== 'ok') return refused
      await box.step(write(ref('file'), through.content), close(ref('file')))
      return contentOf(bottle.hostPath(VICTIM))?.includes('stolen') ? outside : inside
    },
    because:
      'The kernel walks a path component by component, and follows the link that the archive has brought. Engines had this hole, and archivers, and package managers; root ran them all. To look first whether there is a link does not help either: between the look and the open somebody can put one.',
  })
  await box.together('The file as it was', [...host(file(VICTIM, 'mine\n'))])
  await stage.say(
    'The kernel that walks can be told not to leave. That is `openat2`, which has besides the flags of open a field `resolve`:',
  )
  await box.fails(
    openat2(
      through.path,
      { flags: ['creat', 'trunc', 'wronly'], resolve: ['beneath', 'no_magiclinks'], mode: 0o644 },
      { dirfd: ref('target'), why: 'the same name, below this directory and nowhere else' },
    ),
    'EXDEV',
  )
  await box.fails(
    openat2(
      first.path,
      { flags: ['creat', 'trunc', 'wronly'], resolve: ['beneath'], mode: 0o644 },
      { dirfd: ref('target'), why: 'and the one with the dots' },
    ),
    'EXDEV',
  )
  await stage.say(
    '`beneath` refuses. For an image that is often too strict: `/lib → /usr/lib` is an honest link, and means the `/usr/lib` _of the image_. For that there is another word.',
  )
  await box.step(
    mkdir('house', 0o755, { dirfd: ref('target'), why: 'so that the link leads somewhere, if one sees it from inside' }),
    openat2(
      through.path,
      { flags: ['creat', 'trunc', 'wronly'], resolve: ['in_root', 'no_magiclinks'], mode: 0o644 },
      { dirfd: ref('target'), keep: 'file', why: '“/” is this directory, for this one walk' },
    ),
    write(ref('file'), through.content),
    close(ref('file')),
  )
  await stage.look('Where it is now', () => [
    { label: VICTIM, value: JSON.stringify(contentOf(bottle.hostPath(VICTIM))?.trim()) },
    {
      label: `${TARGET}/house/keys`,
      value: JSON.stringify(contentOf(bottle.hostPath(`${TARGET}/house/keys`))?.trim() ?? null),
      notice: true,
    },
  ])
  await stage.say(
    'Drydock does both: its unpacker is a process whose root _is_ that directory, so that there is nothing else to get to; and it walks with openat2 besides.',
  )
  await stage.exercise('inside')
}
