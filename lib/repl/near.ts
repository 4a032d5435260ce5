/** The words that somebody may have meant. */

/** At most three of `words`, the nearest first; none when nothing is near. */
export function nearest(typed: string, words: Iterable<string>): string[] {
  const wanted = typed.toLowerCase()
  const reach = Math.max(1, Math.floor(wanted.length / 3))
  const found = [...new Set(words)].flatMap((word) => {
    const begun = wanted.length >= 2 && word.startsWith(wanted)
    const away = begun ? 0.5 : distance(wanted, word.toLowerCase())
    return away <= reach ? [{ word, away }] : []
  })
  return found
    .sort((a, b) => a.away - b.away)
    .slice(0, 3)
    .map(({ word }) => word)
}

/** `: did you mean mount or umount2?`, or nothing. */
export function didYouMean(typed: string, words: Iterable<string>): string {
  const found = nearest(typed, words)
  if (found.length === 0) return ''
  const last = found.pop() as string
  return `: did you mean ${found.length > 0 ? `${found.join(', ')} or ${last}` : last}?`
}

/** How many letters must be changed, left out, put in or swapped with their neighbour. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY
  for (let row = 1; row <= a.length; row++) {
    rows.push([row])
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1
      let cheapest = Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + same)
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cheapest = Math.min(cheapest, at(row - 2, column - 2) + 1)
      ;(rows[row] as number[]).push(cheapest)
    }
  }
  return at(a.length, b.length)
}
