/** Which lessons this user can play here, wholly or in part. */
import { sentenceOf } from '../kernel/errors.js'
import { findLessons, type LessonEntry, loadLesson } from '../tutor/lessons.js'
import { missing as lacking, type Missing, type Need } from '../tutor/needs.js'
import { type Chapter, type Finding, missing, ok, restricted } from './finding.js'

export async function lessons(): Promise<Chapter> {
  const findings: Finding[] = []
  for (const entry of findLessons()) findings.push(await judge(entry))
  return { title: 'Lessons', findings }
}

async function judge(entry: LessonEntry): Promise<Finding> {
  const name = `${entry.number} ${entry.name}`
  try {
    const lesson = await loadLesson(entry)
    const [whole] = await lacking(['bottle', ...lesson.needs.filter((need) => need === 'bottle')])
    if (whole) return missing(name, `cannot be played: ${whole.why}`, whole.remedy)
    const parts = [...lesson.scenes.map(({ heading, needs }) => ({ name: heading, needs })), ...lesson.exercises.map(named)]
    return inPart(name, lesson.needs, await lacking([...lesson.needs, ...parts.flatMap(({ needs = [] }) => needs)]), parts.length, (need) =>
      parts.filter(({ needs = [] }) => needs.includes(need)).map((part) => part.name),
    )
  } catch (error) {
    return missing(name, `cannot be opened: ${sentenceOf(error)}`, 'get the whole checkout again: git status shows what differs')
  }
}

const named = ({ title, needs }: { title: string; needs?: readonly Need[] }) => ({
  name: `the exercise “${title}”`,
  ...(needs && { needs }),
})

/** The judgement of a lesson for which some needs are not met; `affected` has the parts that have such a need. */
export function inPart(
  name: string,
  needs: readonly Need[],
  lacks: readonly Missing[],
  parts: number,
  affected: (need: Need) => readonly string[],
): Finding {
  const [first] = lacks
  if (!first) return ok(name, 'can be played fully')
  const general = lacks.filter(({ need }) => needs.includes(need))
  const without = new Set(lacks.flatMap(({ need }) => affected(need)))
  const reason = (general[0] ?? first).why
  const more = lacks.length > 1 ? `; and ${lacks.length - 1} more like it` : ''
  const loss =
    without.size === 0
      ? 'parts are told and not shown'
      : `${without.size} of ${parts} parts are told and not shown (${[...without].slice(0, 3).join('; ')}${without.size > 3 ? '; …' : ''})`
  return restricted(name, `can be played; ${loss}: ${reason}${more}`, (general[0] ?? first).remedy)
}
