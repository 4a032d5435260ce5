/** The ground of this lesson: vm-1 and vm-2, as `npm run hosts` makes them, but for one scene or one try, and gone with it. */

import type { Bottle } from '../../lib/bottle.js'
import { Hosts } from '../../lib/hosts/hosts.js'
import type { HostRecord } from '../../lib/hosts/house.js'
import type { Ground } from '../../lib/tutor/ground.js'

export type Name = 'vm-1' | 'vm-2'

export class TwoHosts implements Ground {
  /** The one in which steps are made, unless the other is named. */
  readonly bottle: Bottle
  readonly #hosts: Hosts

  private constructor(hosts: Hosts, home: Name) {
    this.#hosts = hosts
    this.bottle = hosts.bottle(home)
  }

  static async open(home: Name = 'vm-1'): Promise<TwoHosts> {
    return new TwoHosts(await Hosts.open(), home)
  }

  on(name: Name): Bottle {
    return this.#hosts.bottle(name)
  }

  record(name: Name): HostRecord {
    return this.#hosts.record(name)
  }

  address(name: Name): string {
    return this.#hosts.record(name).address
  }

  close(): Promise<void> {
    return this.#hosts.close()
  }
}

/** The two hosts of a stage or a trial of this lesson. */
export function twoHosts({ ground }: { readonly ground: Ground }): TwoHosts {
  if (ground instanceof TwoHosts) return ground
  throw new Error('this stands on two hosts, and was given another ground')
}
