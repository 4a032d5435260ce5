/** Who is told what happens in a session. Whoever shows steps on a screen tells it to a witness too, and knows nothing of files. */
import type { Happening } from './types.js'

export interface Witness {
  /** `happening` is asked for only when somebody wants to know. */
  tell(happening: () => Happening): void
  /**
   * The kernel's state now, around these processes (as the host counts). Resolves when it was read. It belongs to what was told last. `fresh`: a picture that
   * was taken this moment will do.
   */
  picture(focus: () => readonly number[], options?: { readonly fresh?: boolean }): Promise<void>
  /** Nothing that it needed for pictures is left; the next picture gets it again. */
  rest(): Promise<void>
}

/** Several who are told. */
export function witnesses(...all: readonly Witness[]): Witness {
  const [only] = all
  if (only && all.length === 1) return only
  return {
    tell: (happening) => {
      let what: Happening | undefined
      const once = () => {
        what ??= happening()
        return what
      }
      for (const one of all) one.tell(once)
    },
    picture: async (focus, options) => {
      for (const one of all) await one.picture(focus, options)
    },
    rest: async () => {
      for (const one of all) await one.rest()
    },
  }
}

/** Nobody is told. */
export const unwitnessed: Witness = witnesses()
