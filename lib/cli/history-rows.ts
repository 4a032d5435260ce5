/** Docker's table of how an image was made. */
import type { HistoryEntry } from '../image/history.js'
import type { Listing } from './format/index.js'
import { createdSince, humanSize, shortDigest } from './table.js'

export function historyListing(trunc: boolean, human: boolean): Listing<Omit<HistoryEntry, 'tags'>> {
  return {
    type: 'formatter.historyContext',
    columns: {
      Comment: { heading: 'COMMENT', of: ({ comment }) => comment },
      CreatedAt: { heading: 'CREATED AT', of: ({ created }) => withoutFraction(created) },
      CreatedBy: { heading: 'CREATED BY', of: ({ createdBy }) => instruction(createdBy, trunc) },
      CreatedSince: {
        heading: human ? 'CREATED' : 'CREATED AT',
        of: ({ created }) => (human ? createdSince(created) : withoutFraction(created)),
      },
      ID: { heading: 'IMAGE', of: ({ id }) => (trunc ? shortDigest(id) : id) },
      Size: { heading: 'SIZE', of: ({ size }) => (human ? humanSize(size, 3) : String(size)) },
    },
    usual: '{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}',
  }
}

const withoutFraction = (time: string): string => time.replace(/\.\d+/, '')

const LONGEST_INSTRUCTION = 45

function instruction(text: string, trunc: boolean): string {
  const line = text.replaceAll('\t', ' ')
  const characters = [...line]
  return trunc && characters.length > LONGEST_INSTRUCTION ? `${characters.slice(0, LONGEST_INSTRUCTION - 1).join('')}…` : line
}
