/** setTimeout takes 31 bits of milliseconds, 24 days; what is more it takes for nothing. */
export const LONGEST_TIMEOUT = 2 ** 31 - 1

/** Whether something comes in time; `patience` in milliseconds, undefined: as long as it takes. Rejects when it does. */
export async function within(event: Promise<unknown>, patience: number | undefined): Promise<boolean> {
  if (patience === undefined) return event.then(() => true)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.min(patience, LONGEST_TIMEOUT))
  })
  try {
    return await Promise.race([event.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
