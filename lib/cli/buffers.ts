/** For verbs through whose hands whole layers pass. */
import { setFlagsFromString } from 'node:v8'

/**
 * A layer comes in buffers that are garbage as soon as they are written, and V8 frees them when its young generation is full of objects. Few objects are
 * made on the way, so that as this generation grows some fifty MiB of dead buffers lie around; it stays at its first size instead. v8(Node), setFlagsFromString.
 */
export function freeBuffersSoon(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
