/**
 * `npm run registry`: a registry for a room, or for one learner on bad wifi. It starts a real docker-registry, fills it with images that are made here of
 * the distribution's own packages, says how to use it, and stays until Ctrl-C. What was made is kept: the next start takes a moment, and no network.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { Command } from 'commander'
import { endHostSpawner } from '../bottle.js'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { parseCommandLine } from '../tutor/command-line.js'
import { findCommand, installHint } from '../tutor/packages.js'
import { ownDistribution, ownMirror } from './apt.js'
import { type Recipe, recipes as recipesFor } from './images.js'
import { imageOf } from './layer.js'
import { homeDirectory, workDirectory } from './places.js'
import { publish, sizeThere } from './publish.js'
import { type Listen, parseListen, type Server, showListen, startServer } from './server.js'
import type { Workshop } from './workshop.js'

const ALL = recipesFor(ownDistribution())

interface Options {
  readonly listen: string
  readonly only?: string[]
  readonly fill?: boolean
}

/** Exit status: 0 when it was filled and stopped by a person; 1 when it cannot begin, ends by itself, or an image that was asked for cannot be made. */
export async function main(argv: readonly string[]): Promise<number> {
  const options = parseArguments(argv)
  if ('status' in options) return options.status
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  try {
    return await serve(options)
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    process.stderr.write(`drydock: ${sentenceOf(error)}\n`)
    return 1
  } finally {
    await endHostSpawner()
  }
}

function parseArguments(argv: readonly string[]): Options | { readonly status: number } {
  const command = new Command('npm run registry --')
    .description(
      'A local registry for lessons without a network: starts it, fills it with images made of this distribution’s packages, and stays until Ctrl-C.',
    )
    .option('--listen <address:port>', 'where it listens; 0.0.0.0:5000 is for everybody in the room', '127.0.0.1:5000')
    .option('--only <name...>', `of the images only these: ${ALL.map(({ name }) => shortName(name)).join(', ')}`)
    .option('--fill', 'fill it, and stop then')
  const parsed = parseCommandLine<Options>(command, argv)
  return 'status' in parsed ? parsed : parsed.options
}

async function serve({ listen: words, only, fill = false }: Options): Promise<number> {
  const listen = parseListen(words)
  const recipes = chosen(only)
  const program = findCommand('docker-registry')
  if (program === undefined) throw new DrydockError(`docker-registry is not installed: ${installHint(['docker-registry'])}`)
  mkdirSync(homeDirectory(), { recursive: true })
  const interrupted = interrupt()
  const enough = new AbortController()
  const server = await startServer(program, listen)
  try {
    say(`docker-registry listens at ${showListen(listen)}.\nWhat is in it is kept in ${homeDirectory()}.`)
    if (!isLoopback(listen)) say('Everybody who can reach that address can pull from it, and push to it: use it in a room that you trust.')
    const filling = fillAll(server, recipes, enough.signal)
    const whole = await Promise.race([filling, interrupted, server.ended.then(() => undefined)])
    if (whole === undefined) {
      enough.abort()
      // What is being made is not left half done by somebody who outlives us.
      await filling
      return await leave(server)
    }
    say(howTo(server.url, listen))
    if (fill) return whole ? 0 : 1
    say('Ctrl-C stops it.')
    const why = await Promise.race([interrupted.then(() => 'asked'), server.ended.then(() => 'by itself')])
    if (why === 'asked') return await leave(server)
    throw new DrydockError(`the registry has ended by itself; ${homeDirectory()}/log says why`)
  } finally {
    await server.stop()
  }
}

function chosen(only: readonly string[] | undefined): readonly Recipe[] {
  if (!only) return ALL
  const known = (wanted: string) => ALL.find(({ name }) => shortName(name) === wanted || name === wanted)
  const unknown = only.find((name) => !known(name))
  if (unknown !== undefined) {
    throw new DrydockError(
      `there is no image '${unknown}' to fill the registry with; there are: ${ALL.map(({ name }) => shortName(name)).join(', ')}`,
    )
  }
  return ALL.filter((recipe) => only.some((name) => known(name) === recipe))
}

async function leave(server: Server): Promise<number> {
  await server.stop()
  say(`\nThe registry has stopped. Its images are kept in ${homeDirectory()}.`)
  return 0
}

/** Each image that is not there yet is made. One that cannot be had does not keep the others away. True when all are there. */
async function fillAll({ url }: Server, recipes: readonly Recipe[], signal: AbortSignal): Promise<boolean> {
  let whole = true
  let workshop: Workshop | undefined
  for (const recipe of recipes) {
    if (signal.aborted) return false
    const there = await tagThere(url, recipe)
    if (there) {
      row(`${shortName(recipe.name)}:${there.tag}`, `${megabytes(there.size)}, was there already`)
      continue
    }
    const began = Date.now()
    try {
      workshop ??= await openWorkshop(signal)
      process.stdout.write(`  ${shortName(recipe.name).padEnd(20)} is being made …\n`)
      const made = await recipe.make(workshop)
      const image = await imageOf(made.archive, made.config, made.by)
      await publish(url, recipe.name, made.tag, image)
      for (const file of [made.archive, image.layer.file]) rmSync(file, { force: true })
      row(
        `${shortName(recipe.name)}:${made.tag}`,
        `${megabytes(image.layer.descriptor.size)}, made in ${Math.round((Date.now() - began) / 1000)} s: ${recipe.what}`,
      )
    } catch (error) {
      if (!(error instanceof DrydockError)) throw error
      if (signal.aborted) return false
      whole = false
      row(shortName(recipe.name), `not there: ${sentenceOf(error)}`)
    }
  }
  return whole
}

async function openWorkshop(signal: AbortSignal): Promise<Workshop> {
  const distribution = ownDistribution()
  const lacking = ['apt-get', 'dpkg-deb', 'tar'].filter((name) => !findCommand(name))
  if (!distribution || lacking.length > 0) {
    throw new DrydockError(
      `images are made of Debian’s or Ubuntu’s packages, by apt, and this machine is none of these; push some of your own`,
    )
  }
  mkdirSync(workDirectory(), { recursive: true })
  return { distribution, mirror: await ownMirror(distribution), work: workDirectory(), signal }
}

async function tagThere(url: string, { name, tags }: Recipe): Promise<{ tag: string; size: number } | undefined> {
  for (const tag of tags) {
    const size = await sizeThere(url, name, tag)
    if (size !== undefined) return { tag, size }
  }
  return undefined
}

/** `library/` is what Docker leaves out. */
const shortName = (name: string) => name.replace(/^library\//, '')
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

const isLoopback = ({ address }: Listen) => /^127\.|^::1$|^localhost$/.test(address)

function howTo(url: string, listen: Listen): string {
  const everywhere = listen.address === '0.0.0.0' || listen.address === '::'
  const host = everywhere ? `ADDRESS-OF-THIS-MACHINE:${listen.port}` : url.replace('http://', '')
  const mirror = `http://${host}`
  return [
    '',
    'Lesson 7 on this machine finds what is in it: npm run lesson 7',
    ...(isLoopback(listen) ? [] : ['On the others it is told where:', `  DRYDOCK_REGISTRY=${mirror} npm run lesson 7`]),
    '',
    'To pull from it by name:',
    `  drydock pull ${isLoopback(listen) ? '' : `--insecure-registry ${host} `}${host}/library/busybox`,
    'In place of Docker Hub, so that `busybox` means the one in here:',
    `  drydock pull --registry-mirror ${mirror} busybox`,
    'or for always, in registries.json in drydock’s data root:',
    `  { "registry-mirrors": ["${mirror}"]${isLoopback(listen) ? '' : `, "insecure-registries": ["${host}"]`} }`,
    'A Docker Engine takes the same two keys in /etc/docker/daemon.json.',
    '',
  ].join('\n')
}

const say = (text: string) => process.stdout.write(`${text}\n`)
const row = (name: string, words: string) => say(`  ${name.padEnd(20)} ${words}`)

/** Resolves when somebody wants this to end. The handlers stay: execa ends this program by a signal that nobody else listens to. */
function interrupt(): Promise<undefined> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(undefined))
  })
}
