import { join } from 'node:path'

export const PROJECT = join(import.meta.dirname, '../..')

/** Names the file that tells ssh how to reach the machines: `vagrant ssh-config`. */
export const SSH_VARIABLE = 'DRYDOCK_VM_SSH'
