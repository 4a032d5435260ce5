import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findLessons, pickLesson } from '../../../lib/tutor/lessons.js'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-lessons-'))
  for (const folder of ['03-capabilities', '01-namespaces', '02-cgroups', 'notes', '10-capstone']) {
    mkdirSync(join(directory, folder))
    writeFileSync(join(directory, folder, 'README.md'), `# Title of ${folder}\n`)
  }
  mkdirSync(join(directory, '04-empty'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const found = () => findLessons(pathToFileURL(`${directory}/`))

describe('lessons', () => {
  it('finds the folders with a number and a text, in order', () => {
    expect(found().map(({ number, name, title }) => [number, name, title])).toEqual([
      [1, 'namespaces', 'Title of 01-namespaces'],
      [2, 'cgroups', 'Title of 02-cgroups'],
      [3, 'capabilities', 'Title of 03-capabilities'],
      [10, 'capstone', 'Title of 10-capstone'],
    ])
  })

  it.each([
    ['1', 'namespaces'],
    ['02', 'cgroups'],
    ['Capabilities', 'capabilities'],
    ['03-capabilities', 'capabilities'],
    ['name', 'namespaces'],
    ['10', 'capstone'],
  ])('knows which lesson %s is', (wanted, name) => {
    expect(pickLesson(found(), wanted).name).toBe(name)
  })

  it('names the lessons there are when it does not know one', () => {
    const all = '1 namespaces, 2 cgroups, 3 capabilities, 10 capstone'
    expect(() => pickLesson(found(), '7')).toThrow(`there is no lesson '7'; there are: ${all}`)
    expect(() => pickLesson(found(), '')).toThrow(`there is no lesson ''; there are: ${all}`)
    expect(() => pickLesson(found(), 'cap')).toThrow("'cap' may mean several lessons: 3 capabilities, 10 capstone")
  })
})
