import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DrydockError } from '../../../lib/kernel/errors.js'
import { giveToInvoker, invoker, runDirectory, runDirectoryPath, stateDirectory } from '../../../lib/kernel/places.js'
import { requires } from '../../support/requires.js'

const SOMEBODY = 54321
let top: string
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'drydock-places-'))
  for (const name of ['SUDO_UID', 'SUDO_GID', 'DRYDOCK_RUN_DIR', 'DRYDOCK_STATE_DIR', 'XDG_RUNTIME_DIR', 'XDG_STATE_HOME'])
    vi.stubEnv(name, undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  rmSync(top, { recursive: true })
})

const asRoot = requires('root')

describe('the run directory', () => {
  it('is made for us alone', () => {
    const path = join(top, 'a/b')
    vi.stubEnv('DRYDOCK_RUN_DIR', path)
    expect(runDirectoryPath()).toBe(path)
    expect(existsSync(path)).toBe(false)
    expect(runDirectory()).toBe(path)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    chmodSync(path, 0o755)
    expect(runDirectory()).toBe(path)
    expect(statSync(path).mode & 0o777).toBe(0o700)
  })

  it('is root’s in /run, and a user’s where XDG says, unless that is somebody else’s', () => {
    const geteuid = vi.spyOn(process, 'geteuid')
    geteuid.mockReturnValue(0)
    expect(runDirectoryPath()).toBe('/run/drydock')
    geteuid.mockReturnValue(SOMEBODY)
    expect(runDirectoryPath()).toBe(`/tmp/drydock-${SOMEBODY}`)
    // What `su` leaves behind.
    vi.stubEnv('XDG_RUNTIME_DIR', top)
    expect(runDirectoryPath()).toBe(`/tmp/drydock-${SOMEBODY}`)
    vi.stubEnv('XDG_RUNTIME_DIR', join(top, 'absent'))
    expect(runDirectoryPath()).toBe(`/tmp/drydock-${SOMEBODY}`)
    vi.stubEnv('XDG_RUNTIME_DIR', top)
    geteuid.mockReturnValue(statSync(top).uid || 0)
    if (statSync(top).uid !== 0) expect(runDirectoryPath()).toBe(join(top, 'drydock'))
  })

  it.each<[string, () => string, RegExp]>([
    ['a link', () => symlinked(), /is no directory/],
    ['a file', () => file('file'), /cannot be made \(EEXIST\)/],
    ['below a file', () => join(file('file'), 'x'), /cannot be made \(ENOTDIR\)/],
    ['too long a name', () => join(top, 'x'.repeat(60)), /too long for the sockets/],
  ])('is refused when it is %s', (_, make, sentence) => {
    vi.stubEnv('DRYDOCK_RUN_DIR', make())
    expect(runDirectory).toThrow(DrydockError)
    expect(runDirectory).toThrow(sentence)
  })

  asRoot('is refused when it is somebody else’s', () => {
    vi.stubEnv('DRYDOCK_RUN_DIR', top)
    chownSync(top, SOMEBODY, SOMEBODY)
    expect(runDirectory).toThrow(`belongs to somebody else (uid ${SOMEBODY})`)
  })
})

describe('the state directory', () => {
  it('is where the environment says, or in the home', () => {
    vi.stubEnv('XDG_STATE_HOME', join(top, 'xdg'))
    expect(stateDirectory()).toBe(join(top, 'xdg/drydock'))
    vi.stubEnv('DRYDOCK_STATE_DIR', join(top, 'own'))
    expect(stateDirectory()).toBe(join(top, 'own'))
    expect(statSync(join(top, 'own')).mode & 0o777).toBe(0o700)
    vi.unstubAllEnvs()
    vi.stubEnv('HOME', join(top, 'home'))
    vi.stubEnv('SUDO_UID', undefined)
    vi.stubEnv('DRYDOCK_STATE_DIR', undefined)
    vi.stubEnv('XDG_STATE_HOME', undefined)
    expect(stateDirectory()).toBe(join(homedir(), '.local/state/drydock'))
    vi.stubEnv('DRYDOCK_STATE_DIR', join(file('file'), 'x'))
    expect(stateDirectory).toThrow(/where progress is kept, cannot be made \(ENOTDIR\)/)
  })

  asRoot('made with sudo belongs to who typed sudo, and what was there already does not', () => {
    sudo()
    vi.stubEnv('DRYDOCK_STATE_DIR', join(top, 'home/.local/state/drydock'))
    mkdirSync(join(top, 'home'))
    stateDirectory()
    const owners = ['home', 'home/.local', 'home/.local/state', 'home/.local/state/drydock'].map((name) => statSync(join(top, name)).uid)
    expect(owners).toEqual([0, SOMEBODY, SOMEBODY, SOMEBODY])
  })
})

describe('who typed sudo', () => {
  it('is nobody for an ordinary user, and for root who is root', () => {
    vi.spyOn(process, 'geteuid').mockReturnValue(SOMEBODY)
    sudo()
    expect(invoker()).toBeUndefined()
    vi.spyOn(process, 'geteuid').mockReturnValue(0)
    expect(invoker()).toMatchObject({ uid: SOMEBODY, gid: SOMEBODY })
    for (const wrong of ['0', '', 'x', undefined]) {
      vi.stubEnv('SUDO_UID', wrong)
      expect(invoker()).toBeUndefined()
    }
  })

  asRoot('gets what root has made, and nothing else', () => {
    sudo()
    const directory = join(top, 'made')
    mkdirSync(join(directory, 'deep'), { recursive: true })
    const own = file('made/deep/own')
    const others = file('made/others')
    chownSync(others, 77, 77)
    const secret = file('secret')
    linkSync(secret, join(directory, 'second-name'))
    symlinkSync(secret, join(directory, 'link'))
    giveToInvoker(directory)
    expect([lstatSync(directory).uid, lstatSync(own).uid]).toEqual([SOMEBODY, 0])
    giveToInvoker(directory, { recursive: true })
    expect(lstatSync(own).uid).toBe(SOMEBODY)
    expect(lstatSync(join(directory, 'link')).uid).toBe(SOMEBODY)
    expect([lstatSync(others).uid, lstatSync(secret).uid]).toEqual([77, 0])
    giveToInvoker(join(top, 'absent'))
  })
})

function sudo(): void {
  vi.stubEnv('SUDO_UID', `${SOMEBODY}`)
  vi.stubEnv('SUDO_GID', `${SOMEBODY}`)
}

function file(name: string): string {
  const path = join(top, name)
  writeFileSync(path, '')
  return path
}

function symlinked(): string {
  const path = join(top, 'link')
  mkdirSync(join(top, 'target'))
  symlinkSync(join(top, 'target'), path)
  return path
}
