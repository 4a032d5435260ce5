/** The two virtual machines as the exercise sees them: each by ssh, root by sudo; vm-2 plays the world outside too. */
import { execa } from 'execa'
import { hostsNetwork } from '../../lib/network/hosts-range.js'
import type { Machine, TwoHosts } from '../support/exercise/hosts.js'

/** A public address, which vm-2 has on its loopback; vm-1 knows the way. */
const OUTSIDE = '8.8.8.8'

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

/** `config`: what `vagrant ssh-config` has said. */
export async function openVirtualMachines(config: string): Promise<TwoHosts> {
  const { addresses } = hostsNetwork()
  const on = async (machine: Machine, script: string, input = '') => {
    const words = `sudo -H sh -c ${quoted(script)}`
    const { exitCode, stdout, stderr } = await execa('ssh', ['-F', config, machine, words], {
      input,
      reject: false,
      stripFinalNewline: false,
    })
    return { code: exitCode ?? 255, stdout, stderr }
  }
  const machines: TwoHosts = {
    addresses,
    outside: { machine: 'vm-2', address: OUTSIDE },
    on,
    // Not from what is left in the shell's history, and with the prompt of no distribution.
    terminal: (machine) => ['ssh', '-q', '-tt', '-F', config, machine, 'sudo -H bash -i'],
  }
  return machines
}

/** The way from vm-1 to the address outside, and its end. */
export async function leadOutside({ on, addresses }: TwoHosts): Promise<void> {
  for (const [machine, script] of [
    ['vm-2', `ip address replace ${OUTSIDE}/32 dev lo`],
    ['vm-1', `ip route replace ${OUTSIDE} via ${addresses['vm-2']}`],
  ] as const) {
    const { code, stderr } = await on(machine, script)
    if (code !== 0) throw new Error(`on ${machine}: ${script}: ${stderr}`)
  }
}
