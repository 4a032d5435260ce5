/** The image `host`: the programs of the machine where one sits, put together here and sent to the engine, wherever that is. No registry is asked. */
import { Readable } from 'node:stream'
import { hostImage } from '../../image/host/index.js'
import { packTree } from '../../image/pack/index.js'
import { dataRoot } from '../../kernel/places.js'
import type { Engine } from '../engine/client.js'
import { followProgress } from '../engine/progress.js'
import { interruptible } from '../interrupt.js'

const HOST_IMAGE = 'host:latest'

/** What the engine has of it then is an image like any other: it is made anew when it was removed. */
export async function sendHostImage(engine: Engine): Promise<void> {
  const { layers, config } = await hostImage({ dataRoot: dataRoot() })
  const changes = [...config.env.map((variable) => `ENV ${variable}`), `CMD ${JSON.stringify(config.cmd)}`, `WORKDIR ${config.workingDir}`]
  await interruptible(async (signal) => {
    const stream = await engine.stream({
      method: 'POST',
      path: '/images/create',
      query: { fromSrc: '-', repo: HOST_IMAGE, message: 'The programs of the machine that it was made on', changes },
      body: Readable.from(packTree(layers, { signal }), { objectMode: false }),
      headers: { 'Content-Type': 'text/plain' },
      signal,
    })
    await followProgress(stream)
  })
}
