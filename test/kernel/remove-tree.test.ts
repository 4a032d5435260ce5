import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Bottle } from '../../lib/bottle.js'
import { mkdir, open, remove_tree, symlink, write } from '../../lib/kernel/calls/files.js'
import { mount } from '../../lib/kernel/calls/mounts.js'
import { clone } from '../../lib/kernel/calls/process.js'
import { ref } from '../../lib/kernel/step.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'

describe('a directory with everything in it', () => {
  let bottle: Bottle
  beforeAll(async () => {
    bottle = await Bottle.open({ name: 'remove-tree-test' })
  })
  afterAll(() => bottle.close())
  const made = (path: string) => mkdir(path, 0o755, { undo: [remove_tree(path)] })

  test('goes as an undo step, also when the client is gone', async () => {
    for (const end of ['rollback', 'gone']) {
      const shim = await bottle.shim()
      await shim.run([
        mkdir('/tmp/kept', 0o755, { allow: ['EEXIST'] }),
        made('/tmp/box'),
        mkdir('/tmp/box/inner'),
        symlink('/tmp/kept', '/tmp/box/link'),
        open('/tmp/box/inner/file', ['creat', 'wronly'], { mode: 0, keep: 'file' }),
        write(ref('file'), 'content'),
      ])
      if (end === 'rollback') await shim.rollback()
      else await shim.close()
      await expect.poll(() => readdirSync(bottle.hostPath('/tmp')), { interval: 5 }).toEqual(['kept'])
    }
  })

  test('goes with what overlayfs has left in it: a work directory without a mode, whiteouts', async () => {
    const { stdout, stderr } = await runAsOrdinaryUser(['node', '--import', 'tsx', 'test/support/programs/remove-tree-as-user.ts'])
    expect(JSON.parse(stdout as string), stderr as string).toEqual({ whiteout: true, mode: 0, left: [] })
  })

  test('stays where something is mounted, which the kernel alone decides', async () => {
    const shim = await bottle.shim()
    const root = bottle.hostPath('/tmp')
    for (const path of ['volume', 'box/a/mounted', 'box/b']) mkdirSync(`${root}/${path}`, { recursive: true })
    writeFileSync(`${root}/volume/kept`, '')
    symlinkSync('a', `${root}/box/link`)
    const results = await shim.attempt([clone('mnt'), mount('/tmp/volume', '/tmp/box/a/mounted', null, ['bind']), remove_tree('/tmp/box')])
    expect(results[2]).toMatchObject({ status: 'failed', errno: 16 /* EBUSY */ })
    expect(readdirSync(`${root}/box`)).toEqual(['a'])
    expect(readdirSync(`${root}/volume`)).toEqual(['kept'])
    await shim.rollback()
    const after = await bottle.shim()
    await after.run([remove_tree('/tmp/box'), remove_tree('/tmp/volume')])
    await after.rollback()
  })
})
