/** `npm run lint`: types, style, layers. Prints what is wrong and nothing else. */
import { $ } from 'zx'
import { checkDrawing, checkLayers } from './layers.js'

/** Checks that were made, and how many of them failed. */
export async function lint(): Promise<{ passed: number; failed: number }> {
  const quiet = $({ nothrow: true, quiet: true })
  const checks: [name: string, complaint: () => Promise<string>][] = [
    ['types', async () => complaintOf(await quiet`npx --no-install tsc --noEmit --pretty false -p .`)],
    ['style', async () => complaintOf(await quiet`npx --no-install biome check --colors=off .`)],
    ['layers', async () => [...(await checkLayers()), ...(await checkDrawing())].join('\n')],
  ]
  let failed = 0
  for (const [name, check] of checks) {
    const complaint = await check()
    console.log(`lint: ${name}: ${complaint ? `wrong\n${complaint}` : 'right'}`)
    if (complaint) failed++
  }
  return { passed: checks.length - failed, failed }
}

function complaintOf(result: { exitCode: number | null; stdout: string; stderr: string }): string {
  return result.exitCode === 0 ? '' : `${result.stdout}${result.stderr}`.trim() || `exit status ${result.exitCode}`
}

export async function main(): Promise<number> {
  const { failed } = await lint()
  return failed === 0 ? 0 : 1
}
