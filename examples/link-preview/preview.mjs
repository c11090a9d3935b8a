/** One URL → what a preview shows, and what the sandboxes tried on the network. Everything that comes out is a stranger's. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadPolicy, parsePolicy } from 'glovebox'

const JOB = join(import.meta.dirname, 'job.mjs')
const THUMBNAIL = loadPolicy(join(import.meta.dirname, 'thumbnail.yaml'))
const FETCH = fetchPolicy()

/** @returns {Promise<{status: number, title?, description?, url?, thumbnail?, problem?: string, attempts: object[]}>} */
export async function preview(glovebox, url, signal) {
  const link = webUrl(url)
  if (link === null) return { status: 400, problem: 'This is no http or https address.', attempts: [] }
  const fetched = await glovebox.run(FETCH, [process.execPath, 'job.mjs', link], {
    inputs: { 'job.mjs': JOB },
    outputs: ['out/**'],
    signal,
  })
  const attempts = attemptsOf('fetch', fetched)
  if (!fetched.ok) return { status: 422, problem: problemOf(fetched), attempts }
  const page = pageOf(fetched.text())
  if (page === null) return { status: 422, problem: 'The page could not be read.', attempts }
  const image = fetched.outputs['out/image']
  if (image === undefined) return { status: 200, ...page, thumbnail: null, attempts }
  const shrunk = await glovebox.run(
    THUMBNAIL,
    [
      'convert',
      'image[0]',
      '-thumbnail',
      '480x270^',
      '-gravity',
      'center',
      '-extent',
      '480x270',
      '-strip',
      'jpeg:small.jpg',
    ],
    { inputs: { image }, outputs: ['small.*'], signal },
  )
  const small = shrunk.outputs['small.jpg']
  return {
    status: 200,
    ...page,
    thumbnail: shrunk.ok && small !== undefined ? Buffer.from(small).toString('base64') : null,
    attempts: [...attempts, ...attemptsOf('thumbnail', shrunk)],
  }
}

/** The job runs in Node: where that is not one of the system's programs, it is shown to it. */
function fetchPolicy() {
  const file = join(import.meta.dirname, 'fetch.yaml')
  const prefix = dirname(dirname(process.execPath))
  if (prefix === '/usr' || prefix.startsWith('/usr/')) return loadPolicy(file)
  return parsePolicy(`${readFileSync(file, 'utf8')}\nfiles: {read: [${JSON.stringify(prefix)}]}\n`, {
    source: file,
  })
}

function webUrl(text) {
  if (typeof text !== 'string' || text.length > 2000 || !URL.canParse(text)) return null
  const { protocol, href } = new URL(text)
  return protocol === 'http:' || protocol === 'https:' ? href : null
}

function pageOf(text) {
  try {
    const { url, title, description } = JSON.parse(text)
    const line = (value) => (typeof value === 'string' ? value.slice(0, 500) : null)
    return { url: line(url), title: line(title), description: line(description) }
  } catch {
    return null
  }
}

/** For the page's reader; the job's own words are for a log. */
function problemOf({ reason, report }) {
  if (reason === 'deadline') return 'The site took longer than it may.'
  const refused = report.network.find(({ verdict }) => verdict !== 'allow')
  if (refused !== undefined) return `The link leads to where no preview goes (${refused.verdict}).`
  return 'The site could not be read.'
}

function attemptsOf(step, { report }) {
  return report.network.map((attempt) => ({ step, ...attempt }))
}
