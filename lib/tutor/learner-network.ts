/**
 * A learner's function runs on the learner's own machine, and on none of the hosts of a lesson. What it sends to their addresses would leave by the
 * default route, to whoever is there; so it gets an error instead, of a kind that it cannot miss. For mistakes; it is no wall.
 */
import { Socket as Datagrams } from 'node:dgram'
import { Socket } from 'node:net'
import { hostsNetwork, isOnHostsNetwork } from '../network/hosts-range.js'

const range = hostsNetwork()

function refusal(host: unknown): Error | undefined {
  if (typeof host !== 'string' || !isOnHostsNetwork(host, range)) return undefined
  return new Error(
    `${host} is on the network of vm-1 and vm-2, and this function runs on neither of them: what it sends there would go to somebody else`,
  )
}

/** From now on, in this process. */
export function keepFromHosts(): void {
  const connect = Socket.prototype.connect
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
    const error = refusal(addressIn(args))
    if (!error) return Reflect.apply(connect, this, args) as Socket
    return this.destroy(error)
  }
  for (const name of ['send', 'connect'] as const) {
    const original = Datagrams.prototype[name] as (...args: unknown[]) => unknown
    Object.defineProperty(Datagrams.prototype, name, {
      value(this: Datagrams, ...args: unknown[]) {
        const error = args.map(refusal).find((one) => one !== undefined)
        if (error) throw error
        return Reflect.apply(original, this, args)
      },
    })
  }
}

/** `{ host, port }`, `port, host`, and both wrapped in a list, as Node hands it on. */
function addressIn(args: readonly unknown[]): unknown {
  const [first, second] = args
  if (Array.isArray(first)) return addressIn(first)
  if (typeof first === 'object' && first !== null) return (first as { host?: unknown }).host
  return second
}
