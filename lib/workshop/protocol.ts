/**
 * What the workshop's server and its page say to each other. All is read-only but the learners' reports.
 *
 *     GET  /                          the page; /page.js and /page.css
 *     GET  /live                      text/event-stream of LiveEvents: first all as it is, then what changes
 *     GET  /sessions/ID/events        text/event-stream of TraceEvents (lib/trace/types.ts), from the first on, followed while it grows
 *                                     on both `alive` comes now and then: a page on which nothing comes takes the stream for broken
 *     GET  /sessions/ID/export        the trace and the page as one HTML file
 *     POST /room/report               a learner's (lib/trace/report.ts)
 *
 * A server that listens on more than loopback wants its token for all but the reports, which bear the room's word: as `?token=` of the page's first
 * address, from then on as a cookie.
 */
import type { Delta, Picture } from '../picture/types.js'
import type { LearnerReport } from '../trace/report.js'
import type { SessionBegins, TraceEvent } from '../trace/types.js'

/** `event:` is the kind, `data:` is the JSON of the rest. */
export type LiveEvent =
  | { readonly kind: 'picture'; readonly picture: Picture }
  | { readonly kind: 'changed'; readonly delta: Delta }
  | { readonly kind: 'sessions'; readonly sessions: readonly SessionSummary[] }
  | { readonly kind: 'room'; readonly room: RoomView }
  /** Milliseconds until the next picture, as it is now: longer when pictures are costly. */
  | { readonly kind: 'pace'; readonly milliseconds: number }

/** Newest first. */
export interface SessionSummary extends Pick<SessionBegins, 'session' | 'title' | 'pid' | 'auto' | 'lesson'> {
  /** Of the trace: letters, digits, `-`. */
  readonly id: string
  readonly user: string
  /** Milliseconds since 1970. */
  readonly began: number
  /** Does its process still run? */
  readonly running: boolean
  readonly events: number
}

export interface RoomView {
  /** What learners type to join; absent when nobody can. */
  readonly join?: { readonly url: string; readonly word: string }
  /** The server listens for others than this machine. */
  readonly open: boolean
  readonly learners: readonly LearnerView[]
}

export interface LearnerView extends Omit<LearnerReport, 'version' | 'room' | 'id'> {
  /** Not the learner's own id: that is his secret. */
  readonly key: string
  /** Milliseconds since 1970 of the last report. */
  readonly heard: number
}

/** In an exported file: the content of `<script type="application/json" id="export">`. */
export interface Exported {
  readonly version: 1
  readonly summary: SessionSummary
  readonly events: readonly TraceEvent[]
}
