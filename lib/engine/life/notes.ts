/** What the engine remembers of a container's life, on disk. */
import { writeNotes } from '../../container/notes.js'
import { sentenceOf } from '../../kernel/errors.js'
import type { Core } from '../core.js'
import type { Container } from './container.js'

/** An engine that is killed before this was written learns from the kernel when a container began; the rest counts only when it is there. */
export function remember(core: Core, container: Container): void {
  try {
    writeNotes(container.layout, container.notes)
  } catch (error) {
    if (!container.doomed) core.log('warn', `${container.name}: its life cannot be written down: ${sentenceOf(error)}`)
  }
}
