import type { State } from '../store.js'
export function Step(_: { state: State }) {
  return null
}
