/** The page's script and style sheet, made of lib/workshop/page by plain JavaScript that the start of drydock's commands uses too. */
import { createRequire } from 'node:module'
import { DrydockError } from '../kernel/errors.js'

export interface PageFiles {
  /** One script without imports. */
  readonly script: string
  readonly style: string
}

const { bundlePage } = createRequire(import.meta.url)('../../scripts/bundle.cjs') as {
  bundlePage(): PageFiles
}

/** Throws a sentence when a source of the page is wrong; what is wrong has been written to standard error then. */
export function pageFiles(): PageFiles {
  try {
    return bundlePage()
  } catch (cause) {
    throw new DrydockError(`the page cannot be put together: ${(cause as Error).message.split('\n', 1)[0]}`, { cause })
  }
}
