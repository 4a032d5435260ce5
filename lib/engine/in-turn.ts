/** What is to be done one after the other: each begins when those before it have ended, well or not, and ends as it ends by itself. */
export type InTurn = <T>(act: () => Promise<T>) => Promise<T>

export function inTurn(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (act) => {
    const result = last.then(act)
    last = result.catch(() => undefined)
    return result
  }
}
