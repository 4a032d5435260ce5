import { EventEmitter } from 'node:events'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { displayOn, type ProgressEvent } from '../../../lib/cli/progress.js'
import { EmulatedScreen } from '../../support/screen.js'

const at = (id: string, status: string, current?: number, total?: number): ProgressEvent => ({
  id,
  status,
  ...(current !== undefined && { progressDetail: { current, ...(total !== undefined && { total }) } }),
})

class Pipe extends EventEmitter {
  text = ''
  write(text: string): void {
    this.text += text
  }
}

afterEach(() => {
  vi.useRealTimers()
})

test('without a terminal: what has happened, as docker prints it, and not how far it is', () => {
  const pipe = new Pipe()
  const display = displayOn(pipe)
  for (const event of [
    at('latest', 'Pulling from lib/app'),
    at('8d1e81c1d74a', 'Already exists'),
    at('8ee2dd6cb52c', 'Pulling fs layer', 0, 0),
    at('8ee2dd6cb52c', 'Downloading', 50, 110),
    at('8ee2dd6cb52c', 'Verifying Checksum'),
    at('8ee2dd6cb52c', 'Download complete'),
    at('8ee2dd6cb52c', 'Extracting', 110, 110),
    at('8ee2dd6cb52c', 'Pull complete'),
    { status: 'Digest: sha256:85f8' },
    { status: 'Status: Downloaded newer image for app:latest' },
  ])
    display.show(event)
  display.end()
  expect(pipe.text).toBe(`latest: Pulling from lib/app
8d1e81c1d74a: Already exists
8ee2dd6cb52c: Pulling fs layer
8ee2dd6cb52c: Verifying Checksum
8ee2dd6cb52c: Download complete
8ee2dd6cb52c: Pull complete
Digest: sha256:85f8
Status: Downloaded newer image for app:latest
`)
})

describe('in a terminal', () => {
  test('a line a layer, redrawn in place, right at 80 columns', async () => {
    const screen = new EmulatedScreen()
    screen.write('$ drydock pull app\n')
    const display = displayOn(screen)
    display.show({ status: 'Using default tag: latest' })
    display.show(at('aaaaaaaaaaaa', 'Downloading', 12_345_678, 45_600_000))
    display.show(at('bbbbbbbbbbbb', 'Pulling fs layer'))
    display.show(at('cccccccccccc', 'Downloading', 1500))
    await screen.resize(80, 24)
    expect(await screen.lines()).toEqual([
      '$ drydock pull app',
      'Using default tag: latest',
      `aaaaaaaaaaaa: Downloading [${'='.repeat(8)}>${' '.repeat(24)}]  12.35MB/45.6MB`,
      'bbbbbbbbbbbb: Pulling fs layer',
      'cccccccccccc: Downloading    1.5kB',
    ])
    display.show(at('aaaaaaaaaaaa', 'Pull complete'))
    display.show(at('bbbbbbbbbbbb', 'Extracting', 999_900_000, 999_900_000))
    display.show(at('cccccccccccc', 'Downloading', 11, 10))
    await screen.resize(80, 24)
    const lines = await screen.lines()
    expect(lines.slice(2)).toEqual([
      'aaaaaaaaaaaa: Pull complete',
      `bbbbbbbbbbbb: Extracting [${'='.repeat(33)}>]  999.9MB/999.9MB`,
      `cccccccccccc: Downloading [${'='.repeat(32)}>]      11B`,
    ])
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(80)
    display.show({ status: 'Digest: sha256:85f8' })
    display.show(at('dddddddddddd', 'Waiting'))
    display.end()
    expect((await screen.lines()).slice(-2)).toEqual(['Digest: sha256:85f8', 'dddddddddddd: Waiting'])
  })

  test('bars grow to docker’s fifty, and are left out where there is no room', async () => {
    const wide = new EmulatedScreen(140)
    displayOn(wide).show(at('aaaaaaaaaaaa', 'Downloading', 1, 2))
    expect((await wide.lines())[0]).toContain(`[${'='.repeat(25)}>${' '.repeat(25)}]       1B/2B`)
    const narrow = new EmulatedScreen(30)
    displayOn(narrow).show(at('aaaaaaaaaaaa', 'Downloading', 1, 2))
    expect(await narrow.lines()).toEqual(['aaaaaaaaaaaa: Downloading'])
  })

  test.each([
    [40, 24],
    [25, 24],
    [120, 10],
    [80, 5],
  ])('resized to %i by %i and back, every layer is there once', async (columns, rows) => {
    const screen = new EmulatedScreen()
    screen.write('before\n')
    const display = displayOn(screen)
    const ids = ['aaaaaaaaaaaa', 'bbbbbbbbbbbb', 'cccccccccccc']
    for (const id of ids) display.show(at(id, 'Downloading', 1_000_000, 2_000_000))
    await screen.resize(80, 24)
    await screen.resize(columns, rows)
    const lines = await screen.lines({ all: true })
    expect(lines.map((line) => line.slice(0, 12))).toEqual(['before', ...ids])
    await screen.resize(80, 24)
    for (const id of ids) display.show(at(id, 'Pull complete'))
    display.end()
    expect(await screen.lines({ all: true })).toEqual(['before', ...ids.map((id) => `${id}: Pull complete`)])
  })

  test('more layers than rows: those that move are shown, and all of them at the end', async () => {
    const screen = new EmulatedScreen(80, 8)
    screen.write('before\n')
    const display = displayOn(screen)
    const ids = Array.from({ length: 30 }, (_, number) => `layer${String(number).padStart(7, '0')}`)
    for (const id of ids) display.show(at(id, 'Pulling fs layer'))
    for (const id of ids.slice(0, 10)) display.show(at(id, 'Pull complete'))
    for (const id of ids.slice(20, 23)) display.show(at(id, 'Downloading', 1, 2))
    await screen.resize(80, 8)
    const shown = await screen.lines()
    expect(shown.map((line) => line.split(' [')[0])).toEqual([
      ...[10, 11, 12].map((number) => `${ids[number]}: Pulling fs layer`),
      ...[20, 21, 22].map((number) => `${ids[number]}: Downloading`),
      '… 24 more, 10 of 30 done',
    ])
    for (const id of ids) display.show(at(id, 'Pull complete'))
    display.end()
    expect(await screen.lines({ all: true })).toEqual(['before', ...ids.map((id) => `${id}: Pull complete`)])
  })

  test('it is not drawn more often than somebody can see', () => {
    vi.useFakeTimers()
    const screen = new EmulatedScreen()
    const write = vi.spyOn(screen, 'write')
    const display = displayOn(screen)
    for (let number = 0; number <= 1000; number++) display.show(at('aaaaaaaaaaaa', 'Downloading', number, 1000))
    expect(write).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(100)
    expect(write).toHaveBeenCalledTimes(2)
    expect(write.mock.lastCall?.[0]).toContain('1kB/1kB')
    display.end()
  })
})
