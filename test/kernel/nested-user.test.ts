/** Root of a user namespace is not root of the machine: what it may not do for a container is done in another way. */
import { expect } from 'vitest'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { DRYDOCK } from '../support/private-host.js'
import { requires } from '../support/requires.js'

const NAMESPACES = ['--user', '--map-root-user', '--mount', '--net', '--pid', '--fork', '--mount-proc', '--propagation', 'private']
const SCRIPT = `
mount -t tmpfs none /tmp
export DRYDOCK_DATA_ROOT=/tmp/data DRYDOCK_RUN_DIR=/tmp/run
exec "$@" run --rm --network none host sh -c 'echo user $(id -u); echo > /new && cat /new > /dev/null; grep -c . /proc/self/uid_map'`

requires(
  'command:setpriv',
  'command:unshare',
  'user-namespaces',
)('drydock run in a user namespace', async () => {
  const argv = ['unshare', ...NAMESPACES, 'sh', '-ec', SCRIPT, 'sh', process.execPath, DRYDOCK]
  const { stdout, stderr } = await runAsOrdinaryUser(argv)
  expect({ stdout, stderr }).toEqual({ stdout: 'user 0\n1', stderr: '' })
})
