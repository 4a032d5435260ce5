/**
 * Tries the exercises of the lesson in this folder in both directions, as the user that runs it, and prints what came of it as JSON. Further words: the
 * programs that are tried.
 */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Lesson } from '../../../lib/tutor/lesson.js'
import { type Program, verifyLesson } from '../../../lib/tutor/verify.js'

const [folder = '', ...programs] = process.argv.slice(2)
const { default: lesson } = (await import(pathToFileURL(resolve(folder, 'lesson.ts')).href)) as { default: Lesson }
console.log(JSON.stringify(await (programs.length > 0 ? verifyLesson(lesson, programs as Program[]) : verifyLesson(lesson))))
process.exit(0)
