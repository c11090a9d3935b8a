/**
 * A thumbnail service in one function: bytes of a stranger in, a small WebP out. In a server of your own, `Glovebox.start()`
 * runs once at the start and `close()` at the end; in between, call `run` as often and as much at once as you like.
 *
 *   node examples/library.mjs examples/photo.jpg /tmp/thumbnail.webp
 */
import { readFile, writeFile } from 'node:fs/promises'
import { Glovebox, GloveboxError, loadPolicy } from 'glovebox'

const policy = loadPolicy('imagemagick')

/** What an HTTP handler would answer. */
async function thumbnail(glovebox, upload, tenant) {
  const result = await glovebox.run(
    policy,
    // the name inside is ours, and `[0]` takes one frame of many: nothing of the request becomes an argument
    ['convert', 'upload[0]', '-auto-orient', '-thumbnail', '200x200>', 'small.webp'],
    { inputs: { upload }, outputs: ['small.webp'], tenant },
  )
  if (result.ok) return { status: 200, type: 'image/webp', body: result.outputs['small.webp'] }

  // The job's own words are hostile input: for a log, as JSON, and never for the client.
  console.error(
    JSON.stringify({
      reason: result.reason,
      message: result.message,
      stderr: Buffer.from(result.stderr).toString('latin1').slice(0, 500),
    }),
  )
  if (result.reason === 'exited')
    return { status: 422, type: 'text/plain', body: 'This is no picture we can read.\n' }
  return { status: 422, type: 'text/plain', body: 'This picture takes more than it may.\n' }
}

const [source, target] = process.argv.slice(2)
if (source === undefined || target === undefined) {
  console.error('usage: node examples/library.mjs PICTURE THUMBNAIL')
  process.exit(2)
}

try {
  const glovebox = await Glovebox.start()
  try {
    const { status, body } = await thumbnail(glovebox, await readFile(source), 'acme')
    if (status === 200) await writeFile(target, body)
    console.log(status, status === 200 ? `${target}: ${body.length} bytes` : body.trim())
    process.exitCode = status === 200 ? 0 : 1
  } finally {
    await glovebox.close()
  }
} catch (error) {
  // Glovebox refused, or could not start a sandbox: nothing ran.
  if (!(error instanceof GloveboxError)) throw error
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 1
}
