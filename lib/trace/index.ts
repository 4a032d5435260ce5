/**
 * Records of what happens in a session: a lesson, `drydock run --step`, the prompt of system calls.
 *
 *     types       what is recorded, event by event
 *     witness     who is told while it happens; record: one that writes it down (journal: the file)
 *     places      where traces are, and how those of others are opened; keep: how many
 *     list        which there are; read: what is in one, also while it grows (shape: what is no event is left out)
 *     replay      a trace as moments, to be stepped through; the page has it too
 *     workshop    is anybody watching?
 *     report      what a learner tells an instructor
 */
export { listTraces, TraceShelf, type TraceSummary } from './list.js'
export { type TraceDirectory, traceDirectories } from './places.js'
export { type Following, followTrace, type Reading, readTrace } from './read.js'
export { isToBeRecorded, Recorder, type RecordingOptions } from './record.js'
export type { TraceEvent } from './types.js'
export { unwitnessed, type Witness, witnesses } from './witness.js'
export { type Announcement, announceWorkshop, workshopIsOpen } from './workshop.js'
