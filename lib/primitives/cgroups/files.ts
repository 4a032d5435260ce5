/** Reading the host, as a thing that a test can put another host in place of. */
import { accessSync, constants, readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface CgroupFiles {
  /** The content of a file, or undefined when it cannot be read. */
  read(path: string): string | undefined
  /** What a symbolic link says. */
  link(path: string): string | undefined
  /** Names of the plain files in a directory. */
  names(directory: string): string[]
  /** Names of the directories in a directory, sorted. */
  directories(directory: string): string[]
  /** Whether this process may write there, as access(2) says. */
  writable(path: string): boolean
}

export const hostFiles: CgroupFiles = {
  read: (path) => attempt(() => readFileSync(path, 'utf8')),
  link: (path) => attempt(() => readlinkSync(path)),
  names: (directory) => entries(directory, (entry) => entry.isFile()),
  directories: (directory) => entries(directory, (entry) => entry.isDirectory()),
  writable: (path) =>
    attempt(() => {
      accessSync(path, constants.W_OK)
      return true
    }) ?? false,
}

/** The lines of a file that may not be there, without the empty one at its end. */
export function lines(content: string | undefined): string[] {
  return (content ?? '').split('\n').filter((line) => line !== '')
}

/** The words of a file that may not be there. */
export function words(content: string | undefined): string[] {
  return (content ?? '').split(/\s+/).filter((word) => word !== '')
}

/** `key value` lines as numbers. */
export function keyed(content: string | undefined): Map<string, number> {
  return new Map(
    lines(content)
      .map((line) => line.split(/\s+/))
      .map(([key = '', value]) => [key, Number(value)] as const),
  )
}

function entries(directory: string, keep: (entry: { isFile(): boolean; isDirectory(): boolean }) => boolean): string[] {
  const all = attempt(() => readdirSync(directory, { withFileTypes: true })) ?? []
  return all
    .filter(keep)
    .map(({ name }) => name)
    .sort()
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
