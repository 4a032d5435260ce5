import { describe, expect, test } from 'vitest'
import { constant } from '../../../lib/kernel/constants.js'
import { capabilityNames as namesOfStatus } from '../../../lib/kernel/proc/status.js'
import { WORDS } from '../../../lib/kernel/words.js'
import { CAPABILITIES, capabilityNames } from '../../../lib/picture/capabilities.js'

describe('names of capabilities', () => {
  test('stand at the numbers that the headers give them, and none is missing', () => {
    expect([...CAPABILITIES].sort()).toEqual([...WORDS.capability].sort())
    for (const name of WORDS.capability) expect(CAPABILITIES[constant('capability', name)], name).toBe(name)
  })

  test('are those of /proc/PID/status', () => {
    for (const bits of ['0000000000000000', '00000000a80425fb', '000001ffffffffff'])
      expect(capabilityNames(bits)).toEqual(namesOfStatus(BigInt(`0x${bits}`)))
    expect(capabilityNames('0000020000000001')).toEqual(['chown', 'cap_41'])
  })
})
