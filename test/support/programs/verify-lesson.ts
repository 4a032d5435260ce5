/** Tries the exercises of the lesson in this folder in both directions, as the user that runs it, and prints what came of it as JSON. */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Lesson } from '../../../lib/tutor/lesson.js'
import { verifyLesson } from '../../../lib/tutor/verify.js'

const folder = process.argv[2] as string
const { default: lesson } = (await import(pathToFileURL(resolve(folder, 'lesson.ts')).href)) as { default: Lesson }
console.log(JSON.stringify(await verifyLesson(lesson)))
process.exit(0)
