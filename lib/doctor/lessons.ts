/** Which lessons this user can play here, wholly or in part. */
import { sentenceOf } from '../kernel/errors.js'
import { readFacts } from '../tutor/facts.js'
import { findLessons, type LessonEntry, loadLesson } from '../tutor/lessons.js'
import { tryUserNamespace } from '../tutor/namespace-trials.js'
import { type Missing, missing as missingNeeds, type Need } from '../tutor/needs.js'
import { type Chapter, type Finding, missing, ok, restricted } from './finding.js'

export async function lessons(): Promise<Chapter> {
  const facts = readFacts()
  let answer: Promise<string> | undefined
  const lacking = (needs: readonly Need[]) =>
    missingNeeds(needs, facts, () => {
      answer ??= tryUserNamespace()
      return answer
    })
  const findings: Finding[] = []
  for (const entry of findLessons()) findings.push(await judge(entry, lacking))
  return { title: 'Lessons', findings }
}

async function judge(entry: LessonEntry, lacking: (needs: readonly Need[]) => Promise<Missing[]>): Promise<Finding> {
  const name = `${entry.number} ${entry.name}`
  try {
    const lesson = await loadLesson(entry)
    const [whole] = await lacking(['bottle'])
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
  return restricted(name, `can be ${lossOf([...without], parts)}: ${reason}${more}`, (general[0] ?? first).remedy)
}

function lossOf(without: readonly string[], parts: number): string {
  if (without.length === 0) return 'played; some of it is told and not shown'
  if (without.length === parts) return 'read; nothing of it can be shown'
  const names = `${without.slice(0, 3).join('; ')}${without.length > 3 ? '; …' : ''}`
  return `played; ${without.length} of ${parts} parts are told and not shown (${names})`
}
