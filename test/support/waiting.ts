/** Waiting until something holds, which is looked at whenever something has come. */
type Listeners = Set<() => void>

/** Milliseconds. `complaint` is made when it has not come in that time. */
export function until(listeners: Listeners, holds: () => boolean, patience: number, complaint: () => Error): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      listeners.delete(check)
      reject(complaint())
    }, patience)
    const check = () => {
      if (!holds()) return
      clearTimeout(timer)
      listeners.delete(check)
      resolve()
    }
    listeners.add(check)
    check()
  })
}
