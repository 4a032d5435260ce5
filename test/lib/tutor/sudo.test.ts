import { describe, expect, it, vi } from 'vitest'
import { sudoCommand } from '../../../lib/tutor/sudo.js'

describe('sudoCommand', () => {
  it('starts the same node with the same arguments, and keeps what the tutor listens to', () => {
    vi.stubEnv('DRYDOCK_STATE_DIR', '/tmp')
    try {
      const argv = ['/opt/node', '/drydock/scripts/start.cjs', 'lesson', '2', '--plain']
      const env = {
        PATH: '/evil',
        HOME: '/home/ada',
        TERM: 'xterm',
        NO_COLOR: '1',
        LC_ALL: 'C.UTF-8',
        DRYDOCK_WORKSPACE: '/w',
        DRYDOCK_RUN_DIR: '/run/user/1000/drydock',
      }
      const command = sudoCommand(argv, env)
      expect(command.slice(0, 2)).toEqual(['sudo', 'env'])
      const at = command.indexOf(process.execPath)
      expect(command.slice(2, at)).toEqual(['TERM=xterm', 'NO_COLOR=1', 'LC_ALL=C.UTF-8', 'DRYDOCK_WORKSPACE=/w', 'DRYDOCK_STATE_DIR=/tmp'])
      expect(command.slice(at)).toEqual([process.execPath, ...process.execArgv, ...argv.slice(1)])
    } finally {
      vi.unstubAllEnvs()
    }
  })
})
