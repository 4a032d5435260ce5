import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inspectFiles, removeFile } from '../../../lib/doctor/left-files.js'
import { isAlive } from '../../../lib/kernel/owner.js'

/** A process id that was one until just now. */
const gone = spawnSync('true').pid

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-left-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** A socket that nobody has open any more, as a killed process leaves it. */
function deadSocket(path: string): void {
  const bind = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', bind, path])
  expect(existsSync(path)).toBe(true)
}

function deadBottle(name: string): string {
  const path = join(directory, name)
  mkdirSync(join(path, 'root'), { recursive: true })
  deadSocket(join(path, 'spawner.sock'))
  return path
}

const found = () => inspectFiles(directory)

describe('leftover files', () => {
  it('are what a program made that is gone, and they are removed by name', async () => {
    deadBottle(`bottle-lesson-${gone}-0a1b2c`)
    deadSocket(join(directory, `spawner-${gone}-0.sock`))
    deadSocket(join(directory, `terminal-${gone}-0a1b2c3d.sock`))
    writeFileSync(join(directory, 'notes'), '')
    const leftovers = await found()
    expect(leftovers.map(({ kept }) => kept)).toEqual([undefined, undefined, undefined])
    expect(leftovers[0]?.says).toContain(`process ${gone}, which made it, is gone`)
    for (const leftover of leftovers) expect(await removeFile(leftover, directory)).toBeUndefined()
    expect(readdirSync(directory)).toEqual(['notes'])
  })

  it('are not those of a program that runs, nor those whose names say nothing', async () => {
    deadBottle(`bottle-lesson-${process.pid}-0a1b2c`)
    deadSocket(join(directory, `spawner-${process.pid}-0.sock`))
    mkdirSync(join(directory, `bottle-lesson-${gone}`))
    mkdirSync(join(directory, `bottle-lesson-${gone}-0a1b2c.old`))
    expect(await found()).toEqual([])
  })

  it('are kept while somebody listens', async () => {
    const server = createServer().listen(join(directory, `spawner-${gone}-0.sock`))
    await once(server, 'listening')
    const [leftover] = await found()
    expect(leftover?.kept).toBe('somebody listens on it')
    expect(await removeFile(leftover as never, directory)).toBe('somebody listens on it')
    server.close()
  })

  it('are kept with anything strange in them, and whole', async () => {
    const full = deadBottle(`bottle-full-${gone}-0a1b2c`)
    writeFileSync(join(full, 'root', 'file'), 'mine')
    const strange = deadBottle(`bottle-strange-${gone}-0a1b2c`)
    writeFileSync(join(strange, 'notes'), 'mine')
    const linked = join(directory, `bottle-linked-${gone}-0a1b2c`)
    mkdirSync(linked)
    symlinkSync(full, join(linked, 'root'))
    symlinkSync(full, join(directory, `bottle-link-${gone}-0a1b2c`))
    const leftovers = await found()
    expect(leftovers.map(({ kept }) => kept)).toEqual([
      'root in it is not empty',
      'it is neither a socket nor a directory',
      'root is in it, which drydock did not put there',
      'notes is in it, which drydock did not put there',
    ])
    for (const leftover of leftovers) expect(await removeFile(leftover, directory)).toBe(leftover.kept)
    expect(readdirSync(full).sort()).toEqual(['root', 'spawner.sock'])
    expect(existsSync(join(strange, 'notes'))).toBe(true)
  })
})

describe('isAlive', () => {
  it('tells a program from another one that has its number now', () => {
    expect(isAlive(process.pid, Date.now())).toBe(true)
    expect(isAlive(process.pid, Date.now() - 86_400_000)).toBe(false)
    expect(isAlive(gone, Date.now())).toBe(false)
    const other = spawn('sleep', ['60'])
    expect(isAlive(other.pid as number, Date.now())).toBe(false)
    other.kill()
  })

  it('goes by the age of what was made', async () => {
    const path = deadBottle(`bottle-old-${process.pid}-0a1b2c`)
    expect(await found()).toEqual([])
    utimesSync(path, new Date(0), new Date(0))
    expect((await found()).map(({ name }) => name)).toEqual([path])
  })
})
