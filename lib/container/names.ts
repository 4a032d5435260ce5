/** A name for a container that was given none. */
import { randomBelow } from '../kernel/random.js'

const MOODS =
  'able bold brave brisk bright calm clever dapper eager early fair fleet fond gallant gentle glad golden grand hardy happy honest jaunty jolly keen lively loyal lucky merry mighty nimble noble patient plucky proud quick quiet ready silver sleek snug sound spry stout sunny swift tidy trim trusty vivid warm wise witty'
const VESSELS =
  'argosy barge bark barque brig caravel carrack catboat clipper coaster cog coracle corvette currach cutter dhow dinghy dory felucca ferry frigate galleon galley gig hoy hulk jolly junk kayak keelboat ketch knarr launch lighter lugger packet pinnace pram proa punt raft sampan schooner scow shallop skiff sloop smack snow steamer tartane tender trawler trimaran tug whaler wherry xebec yacht yawl'

const pick = (words: string): string => {
  const all = words.split(' ')
  return all[randomBelow(all.length)] as string
}

/** `merry_ketch`; from the second attempt on with a number, for a machine on which many are taken. */
export function inventName(attempt = 1): string {
  return `${pick(MOODS)}_${pick(VESSELS)}${attempt > 1 ? randomBelow(10 ** Math.min(9, attempt)) : ''}`
}
