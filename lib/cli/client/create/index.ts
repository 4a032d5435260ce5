/**
 * A container out of flags, for `run` and `create`.
 *
 *     options.ts                                     the flags
 *     body.ts                                        what they are for the engine
 *     ports.ts mounts.ts networks.ts devices.ts      their larger values
 *     words.ts csv.ts                                their smaller ones
 *     make.ts                                        asking the engine; fetching the image when it is missing; the file with the id
 */
export { type Circumstances, type CreateBody, createBody, type LimitFlags, limitsOf } from './body.js'
export { type Made, makeContainer } from './make.js'
export { addCreateFlags, addLimitFlags, type CreateFlags, type MakingFlags } from './options.js'
