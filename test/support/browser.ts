/**
 * A real browser for the workshop page: Debian's Chromium, without a window, in the network of a private host, so that what it asks for can only come
 * from there. What it asks for and what it complains of is written down.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core'
import { expect } from 'vitest'

const { findCommand } = createRequire(import.meta.url)('../../scripts/packages.cjs') as { findCommand(name: string): string | undefined }

export interface Tab {
  readonly page: Page
  /** Addresses of all requests. */
  readonly requests: readonly string[]
  /** Errors of scripts, and what the browser's console calls an error. */
  readonly errors: string[]
  close(): Promise<void>
}

/** Milliseconds that something may take to show itself: less than a test has, so that it is told what was looked for. */
const PATIENCE = 60_000

export class HeadlessBrowser {
  readonly #browser: Browser
  readonly #directory: string

  private constructor(browser: Browser, directory: string) {
    this.#browser = browser
    this.#directory = directory
  }

  /** In the network namespace of this process; without one, in the caller's. */
  static async open(pid?: number): Promise<HeadlessBrowser> {
    const directory = mkdtempSync(join(tmpdir(), 'drydock-browser-'))
    const file = join(directory, 'chromium')
    const entered = pid === undefined ? '' : `nsenter --target ${pid} --net -- `
    writeFileSync(file, `#!/bin/sh\nexec ${entered}${findCommand('chromium')} "$@"\n`)
    chmodSync(file, 0o755)
    // Its own sandbox is made of user namespaces, which root is not given; and it is shown nothing but our page.
    const browser = await chromium.launch({ executablePath: file, args: ['--no-sandbox', '--disable-gpu'] })
    return new HeadlessBrowser(browser, directory)
  }

  async tab(options: BrowserContextOptions = {}): Promise<Tab> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    context.setDefaultTimeout(PATIENCE)
    const page = await context.newPage()
    const [requests, errors]: [string[], string[]] = [[], []]
    page.on('request', (request) => requests.push(request.url()))
    page.on('pageerror', (error) => errors.push(String(error.stack)))
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    return { page, requests, errors, close: () => context.close() }
  }

  async close(): Promise<void> {
    await this.#browser.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** What whoever hears a part of a page is told has all of these lines (Playwright's aria snapshots). */
export async function expectHeard(part: Locator, lines: readonly string[]): Promise<void> {
  const snapshot = await part.ariaSnapshot()
  for (const line of lines) expect(snapshot).toContain(line)
}

/** Does anything stand out on the right, so that one must scroll sideways? */
export const standsOut = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)

/** Texts whose letters have too little contrast with what is behind them: 4.5 to 1, or 3 for large ones. WCAG 2.2, 1.4.3. */
export const faintTexts = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D
    const known = new Map<string, readonly number[]>()
    const rgba = (colour: string): readonly number[] => {
      const before = known.get(colour)
      if (before) return before
      canvas.clearRect(0, 0, 1, 1)
      canvas.fillStyle = colour
      canvas.fillRect(0, 0, 1, 1)
      const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data
      const found = [red, green, blue, alpha / 255]
      known.set(colour, found)
      return found
    }
    const over = (top: readonly number[], below: readonly number[]) =>
      [0, 1, 2].map((at) => (top[at] as number) * (top[3] as number) + (below[at] as number) * (1 - (top[3] as number)))
    const luminance = (colour: readonly number[]) => {
      const [red = 0, green = 0, blue = 0] = colour.map((value) => {
        const part = value / 255
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
    const behind = (element: Element | null): readonly number[] => {
      if (!element) return [255, 255, 255]
      const own = rgba(getComputedStyle(element).backgroundColor)
      return own[3] === 1 ? own : over(own, behind(element.parentElement))
    }
    const faint = new Set<string>()
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement as Element
      const text = node.textContent?.trim() ?? ''
      // What is drawn stands on drawn shapes, whose colours are those of the elements.
      if (text === '' || element.closest('.unseen, svg, option, script, style, :disabled')) continue
      const style = getComputedStyle(element)
      const below = behind(element)
      const letters = over(rgba(style.color), below)
      const [light, dark] = [luminance(letters), luminance(below)].sort((one, other) => other - one) as [number, number]
      const size = Number.parseFloat(style.fontSize)
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700)
      const contrast = (light + 0.05) / (dark + 0.05)
      if (contrast < (large ? 3 : 4.5)) faint.add(`${contrast.toFixed(2)}: ${text.slice(0, 60)} (${element.className || element.tagName})`)
    }
    return [...faint]
  })
