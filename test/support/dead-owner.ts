/** A name of a process that is gone: one of this process, which began at another time. */
import { ownerName } from '../../lib/image/owner.js'

export const deadOwner = (): string => ownerName().replace(/-(\d+)-(?=[0-9a-f]{6}$)/, '-1-')
