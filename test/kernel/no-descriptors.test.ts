/** A process that may open no more files, and wants a shim. */
import { execa } from 'execa'
import { expect } from 'vitest'
import { program } from '../support/private-host.js'
import { requires } from '../support/requires.js'

requires('command:prlimit')('says so, and goes on', async () => {
  const { stdout, stderr, exitCode } = await execa('prlimit', ['--nofile=64:64', ...program('no-descriptors')], { reject: false })
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
  expect(JSON.parse(stdout)).toEqual([
    expect.stringMatching(/^the shim did not start \(.*\): spawn .* EMFILE$/),
    expect.stringMatching(/^the spawner did not start \(.*\): spawn .* EMFILE$/),
    'made',
  ])
})
