import { describe, expect, it } from 'vitest'
import { bytes, cut, duration, endOf, since, visible } from '../../../../lib/workshop/page/text.jsx'

describe('texts of strangers', () => {
  it('keep lines and tabs, and show other controls as what they are', () => {
    expect(visible('a\n\tb\u001b[31m\r\u202ec')).toBe('a\n\tb\\u001b[31m\\r\\u202ec')
  })

  it('end where there is no more room, between characters', () => {
    expect(cut('🚢🚢🚢🚢', 3)).toBe('🚢🚢…')
    expect(cut('abc', 3)).toBe('abc')
    expect(endOf('/var/lib/drydock/overlay/3f2a/diff', 14)).toBe('…/3f2a/diff')
    expect(endOf(`/drydock/${'0123456789abcdef'.repeat(4)}`, 30)).toBe('/drydock/0123456789ab')
    expect(endOf(`/${'x'.repeat(50)}`, 10)).toBe(`…${'x'.repeat(9)}`)
  })

  it('tell sizes and times as people do', () => {
    expect([bytes(0), bytes(1536), bytes(64 * 2 ** 20)]).toEqual(['0 B', '1.5 KiB', '64 MiB'])
    expect([duration(400), duration(812_000), duration(3.2e6), duration(2e9)]).toEqual(['1 µs', '812 µs', '3.2 ms', '2.0 s'])
    expect([since(0, 5000), since(0, 125_000), since(0, 3 * 3_600_000)]).toEqual(['5 s', '2 min', '3 h'])
  })
})
