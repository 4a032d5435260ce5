import { expect, test, vi } from 'vitest'
import { stats } from '../../../../lib/cli/client/stats.js'
import { Engine } from '../../../../lib/cli/engine/client.js'
import { testApi } from '../../../support/api.js'

test.each(['ends', 'breaks off'])('stats end with an engine that %s, in place of a table without rows for ever', async (how) => {
  const { path } = await testApi({
    containers: { list: async () => [] },
    events: {
      stream: async function* () {
        yield { Type: 'container', Action: 'die', Actor: { ID: 'c'.repeat(64), Attributes: {} }, scope: 'local', time: 0, timeNano: 0 }
        if (how !== 'ends') throw new Error('the engine is no more')
      },
    },
  })
  const session = {
    engine: () => Engine.open({ host: { kind: 'unix', path }, own: false }),
    running: async () => undefined,
    debug: false,
  }
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    expect(await stats.run([], session, 'drydock stats')).toBe(1)
    expect(said.mock.calls.map(([text]) => text).join('')).toMatch(
      how === 'ends' ? /the engine has closed the connection/ : /the connection to the engine broke off/,
    )
  } finally {
    said.mockRestore()
  }
})
