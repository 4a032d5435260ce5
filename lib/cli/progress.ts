/**
 * How a pull, push or load is shown, in docker's way: in a terminal a line a layer with a bar, redrawn in place; elsewhere a line for each thing that has
 * happened. Docker's own bars are 50 wide and left out below 111 columns, and it loses count of its lines when they are more than the screen has:
 * here a bar takes the room that there is, and of too many layers those that move are shown.
 */
import { humanSize } from './table.js'

/** What has happened, as the Engine API streams it. */
export interface ProgressEvent {
  /** Of the layer or tag that it is about. */
  readonly id?: string
  readonly status: string
  /** Bytes. */
  readonly progressDetail?: { readonly current?: number; readonly total?: number }
}

export interface Display {
  show(event: ProgressEvent): void
  /** Leave everything as it is to stay on the screen. To be called whatever happens. */
  end(): void
}

/** The part of a stream that is needed; terminals have a size and tell when it changes. */
export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
  on(event: 'resize', listener: () => void): unknown
  off(event: 'resize', listener: () => void): unknown
}

export function displayOn(screen: Screen): Display {
  return screen.isTTY && process.env.TERM !== 'dumb' ? new Bars(screen) : new Lines(screen)
}

/** What says how far something is, and no more, is no line: a log would be full of them. */
class Lines implements Display {
  readonly #screen: Screen

  constructor(screen: Screen) {
    this.#screen = screen
  }

  show({ id, status, progressDetail }: ProgressEvent): void {
    if (progressDetail && numbersOf(progressDetail) !== '') return
    this.#screen.write(`${id === undefined ? '' : `${id}: `}${status}\n`)
  }

  end(): void {}
}

interface Layer extends ProgressEvent {
  readonly id: string
}

/** Milliseconds between two drawings: more often nobody sees, and a slow line (ssh) is kept free. */
const PACE = 60

class Bars implements Display {
  readonly #screen: Screen
  readonly #layers = new Map<string, Layer>()
  /** What stands on the screen just above the cursor. */
  #drawn: readonly string[] = []
  #last = 0
  #timer: NodeJS.Timeout | undefined
  readonly #resized = () => this.#draw()

  constructor(screen: Screen) {
    this.#screen = screen
    screen.on('resize', this.#resized)
  }

  show(event: ProgressEvent): void {
    const { id } = event
    if (id === undefined) {
      // What is said about the whole stands below the layers so far; layers that come later are below it.
      this.#settle()
      this.#screen.write(`${event.status}\n`)
      return
    }
    this.#layers.set(id, { ...event, id })
    const wait = this.#last + PACE - Date.now()
    if (wait <= 0) this.#draw()
    else this.#timer ??= setTimeout(() => this.#draw(), wait)
  }

  end(): void {
    this.#settle()
    this.#screen.off('resize', this.#resized)
  }

  /** Draw all lines a last time, also those that the screen has no room for: they scroll. */
  #settle(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#replace([...this.#layers.values()].map((layer) => lineOf(layer, this.#columns)))
    this.#layers.clear()
    this.#drawn = []
  }

  #draw(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#last = Date.now()
    const layers = [...this.#layers.values()]
    const room = Math.max(1, this.#rows - 1)
    if (layers.length <= room) return this.#replace(layers.map((layer) => lineOf(layer, this.#columns)))
    const shown = chosen(layers, room - 1)
    const done = layers.filter(isDone).length
    const rest = `… ${layers.length - shown.length} more, ${done} of ${layers.length} done`
    this.#replace([...shown.map((layer) => lineOf(layer, this.#columns)), rest.slice(0, this.#columns - 1)])
  }

  /** Terminals break a line that has become too long for them into several rows when they are made narrower. */
  #replace(lines: readonly string[]): void {
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / this.#columns)), 0)
    const up = Math.min(rows, this.#rows - 1)
    const back = up > 0 ? `\x1b[${up}A\r` : ''
    if (lines.length > 0 || up > 0) this.#screen.write(`${back}${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`)
    this.#drawn = lines
  }

  get #columns(): number {
    return this.#screen.columns || 80
  }

  get #rows(): number {
    return this.#screen.rows || 24
  }
}

const DONE = /^(Pull complete|Already exists|Layer already exists|Pushed|Mounted from .*|Loaded|Skipped.*)$/
const WAITS = /^(Pulling fs layer|Waiting|Preparing)$/

const isDone = ({ status }: ProgressEvent): boolean => DONE.test(status)

/** So many of them, in their order: first those that move, then those that wait, then those that are done. */
function chosen(layers: readonly Layer[], room: number): Layer[] {
  const rank = (layer: Layer) => (isDone(layer) ? 2 : WAITS.test(layer.status) ? 1 : 0)
  const picked = new Set([...layers].sort((a, b) => rank(a) - rank(b)).slice(0, room))
  return layers.filter((layer) => picked.has(layer))
}

/** Docker's bar has 50; here as many as there is room for. */
const LONGEST_BAR = 50
const SHORTEST_BAR = 5

/** Room for `  12.3MB/45.6MB`, the same in all lines, so that their bars are of one length. */
const NUMBERS = 17

/** One column stays free: with the last one filled terminals differ about where the cursor is. */
function lineOf({ id, status, progressDetail }: Layer, columns: number): string {
  const head = `${id}: ${status} `
  const numbers = progressDetail ? numbersOf(progressDetail) : ''
  if (numbers === '') return head.trimEnd().slice(0, columns - 1)
  const { current = 0, total = 0 } = progressDetail ?? {}
  const room = Math.min(LONGEST_BAR, columns - 1 - head.length - NUMBERS - '[>] '.length)
  const filled = Math.min(room, Math.floor((current / total) * room))
  const bar = total > 0 && room >= SHORTEST_BAR ? `[${'='.repeat(filled)}>${' '.repeat(room - filled)}] ` : ''
  const line = `${head}${bar}${numbers}`
  return line.length < columns ? line : head.trimEnd().slice(0, columns - 1)
}

/** `12.3MB/45.6MB`; '' when there is nothing to tell. More than all is a wrong total, and left out (jsonmessage.go). */
function numbersOf({ current = 0, total = 0 }: { readonly current?: number; readonly total?: number }): string {
  if (current <= 0 && total <= 0) return ''
  const now = humanSize(current).padStart(8)
  return total > 0 && current <= total ? `${now}/${humanSize(total)}` : now
}
