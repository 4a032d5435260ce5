/** Whoever reads what is printed. */

/** A reader that has seen enough (`| head`) is no error. */
export function forgiveReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}
