/** What the demo shows: short lines; bold and colour on a terminal only. What came out of a job is printed as plain text. */

const WIDTH = 98
const INDENT = '   '
const coloured = process.stdout.isTTY && process.env.NO_COLOR === undefined

const paint = (code, text) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text)

export function title(text) {
  console.log(`\n${paint('1', text)}`)
}

export function tell(text) {
  for (const line of wrapped(text)) console.log(`${INDENT}${line}`)
}

/** The command as it can be typed; a flag stays with its value, and the job's own command in one piece. */
export function command(argv) {
  const behind = argv.indexOf('--')
  const pieces = [argv[0], argv[1]]
  for (let at = 2; at < behind; at += 2)
    pieces.push(
      argv
        .slice(at, at + 2)
        .map(quoted)
        .join(' '),
    )
  pieces.push(argv.slice(behind).map(quoted).join(' '))
  filled(pieces, WIDTH - 10).forEach((line, index, { length }) => {
    const more = index < length - 1 ? ' \\' : ''
    console.log(`${INDENT}${index === 0 ? '$ ' : '    '}${paint('36', line)}${more}`)
  })
}

/** A line that a job wrote, harmless to a terminal. */
export function said(text) {
  const line = text.split('\n').find((each) => each.trim() !== '') ?? ''
  const plain = line.replace(/[^\x20-\x7e]/g, '?')
  if (plain !== '')
    console.log(`${INDENT}> ${plain.length > WIDTH - 5 ? `${plain.slice(0, WIDTH - 6)}…` : plain}`)
}

/** The report of a run in two lines. */
export function reported({ result, usage, claims }) {
  const count = (status) => claims.filter((claim) => claim.status === status).length
  const waived = claims.filter(({ status }) => status === 'waived').map(({ id }) => id)
  tell(
    `report: ${result.reason}, exit code ${result.exitCode}; ${Math.round(usage.wallMs)} ms with clean-up; ` +
      `memory: ${size(usage.peakMemoryBytes)} at most`,
  )
  tell(
    `        ${count('enforced')} promises enforced, ${waived.length === 0 ? 'none waived' : `waived: ${waived.join(', ')}`}`,
  )
}

/** Checks as lines; true when all of them hold. */
export function checks(all) {
  for (const [good, text] of all)
    tell(good ? `${paint('32', 'ok')}    ${text}` : `${paint('31', 'WRONG')} ${text}`)
  return all.every(([good]) => good)
}

/** The last word, and the demo's exit code. */
export function end(scenes) {
  const wrong = scenes.filter((good) => !good).length
  const text =
    wrong === 0 ? 'Everything went as it should.' : `${wrong} of ${scenes.length} did not go as it should.`
  console.log(`\n${paint(wrong === 0 ? '32' : '31', text)}`)
  return wrong === 0 ? 0 : 1
}

export function size(bytes) {
  const [unit, name] = bytes < 1024 ** 2 ? [1024, 'KiB'] : [1024 ** 2, 'MiB']
  const value = bytes / unit
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} ${name}`
}

function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

function wrapped(text) {
  return filled(text.split(/ (?! )/), WIDTH - INDENT.length)
}

function filled(pieces, width) {
  const lines = ['']
  for (const piece of pieces) {
    const last = lines[lines.length - 1]
    if (last !== '' && last.length + piece.length + 1 > width) lines.push(piece)
    else lines[lines.length - 1] = last === '' ? piece : `${last} ${piece}`
  }
  return lines
}
