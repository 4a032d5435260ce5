/** Whether something comes in time; `patience` in milliseconds, undefined: as long as it takes. Rejects when it does. */
export async function within(event: Promise<unknown>, patience: number | undefined): Promise<boolean> {
  if (patience === undefined) return event.then(() => true)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), patience)
  })
  try {
    return await Promise.race([event.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
