/** What a daemon is told of containers that say nothing themselves. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { settingsOf, toldByFile, toldByFlags } from '../../../../lib/cli/daemon/settings.js'
import { withDefaultLog } from '../../../../lib/engine/request/log.js'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'drydock-settings-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function file(content: object): ReturnType<typeof toldByFile> {
  const path = join(directory, 'daemon.json')
  writeFileSync(path, JSON.stringify(content))
  return toldByFile(path, true)
}

test('a log and an init, by flags and by the file, but not by both', () => {
  const log = { logDriver: 'local', logOptions: { 'max-size': '1m' }, init: true }
  const flags = toldByFlags({ logDriver: 'local', logOpt: ['max-size=1m'], init: true })
  expect(settingsOf(flags, new Map(), '')).toMatchObject(log)
  const told = file({ 'log-driver': 'local', 'log-opts': { 'max-size': '1m' }, init: true })
  expect(settingsOf(new Map(), told, '')).toMatchObject(log)
  expect(() => settingsOf(flags, told, 'f')).toThrow('log-opts: (from flag: {"max-size":"1m"}, from file: {"max-size":"1m"})')
  expect(() => toldByFlags({ logOpt: ['max-size'] })).toThrow('invalid argument "max-size" for "--log-opt"')
  expect(() => file({ 'log-opts': { 'max-size': 1 } })).toThrow('"log-opts" is an object of texts')
})

test('what is no setting is refused by its name', () => {
  expect(settingsOf(new Map(), file({ 'userns-remap': 'default' }), '').usernsRemap).toBe('default')
  expect(settingsOf(new Map(), file({ 'userns-remap': '' }), '')).not.toHaveProperty('usernsRemap')
  expect(() => file({ nonsense: 1 })).toThrow("don't match any configuration option: nonsense")
})

test('options of the daemon’s driver are under those of a container that uses it', () => {
  const daemon = { logDriver: 'json-file', logOptions: { 'max-size': '1m', 'max-file': '2' } }
  const asked = (LogConfig: object | undefined) => withDefaultLog(LogConfig === undefined ? {} : { LogConfig }, daemon).LogConfig
  expect(asked(undefined)).toEqual({ Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } })
  expect(asked({ Type: '', Config: { 'max-file': '5' } })).toEqual({ Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '5' } })
  expect(asked({ Type: 'none' })).toEqual({ Type: 'none' })
  expect(withDefaultLog({}, {}).LogConfig).toEqual({ Type: 'json-file', Config: {} })
})
