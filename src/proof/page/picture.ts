/** The picture: the job, the walls round it, and every opening that leads through them, as wide as it is. Pure. */
import type { Opening, Way } from '../openings.js'
import type { Wall } from '../walls.js'
import { html, Markup } from './escape.js'

/** In units of the picture; text does not shrink with the page, because each page has a picture of its own. */
interface Shape {
  readonly name: 'narrow' | 'wide'
  readonly width: number
  /** of the job itself */
  readonly core: number
  /** between two walls, where openings lead through them, and on the other sides */
  readonly step: number
  readonly rim: number
  readonly font: number
}

const SHAPES: readonly Shape[] = [
  { name: 'narrow', width: 340, core: 46, step: 9, rim: 4, font: 13 },
  { name: 'wide', width: 1000, core: 150, step: 30, rim: 7, font: 15 },
]

/** Half of the gap in each wall, for each size of an opening. */
const HALF = { 1: 4, 2: 8, 3: 13, 4: 20 } as const
const LINE = 1.35
const ROW_GAP = 20

export function picture(walls: readonly Wall[], openings: readonly Opening[]): Markup {
  return html`<figure>${SHAPES.map((shape) => drawn(shape, walls, openings))}<figcaption>${caption(walls)}</figcaption></figure>`
}

interface Row {
  readonly opening: Opening
  readonly to: readonly string[]
  readonly width: readonly string[]
  readonly top: number
  readonly height: number
}

function drawn(shape: Shape, walls: readonly Wall[], openings: readonly Opening[]): Markup {
  const { width, core, step, rim, font } = shape
  const pad = walls.length * rim + 4
  const right = pad + core + walls.length * step
  const labelX = right + (shape.name === 'wide' ? 56 : 34)
  const rows = laidOut(openings, shape, width - labelX, pad + (shape.name === 'wide' ? 34 : 10))
  const last = rows.at(-1)
  const bottom = Math.max(last === undefined ? 0 : last.top + last.height, pad + 120) + 10
  const height = Math.ceil(bottom + pad)
  const edges = walls.map((wall, index) => ({
    wall,
    inset: (walls.length - 1 - index) * rim + 2,
    edge: pad + core + (index + 1) * step - 2,
  }))
  return html`<svg class="${shape.name}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${spoken(walls, openings)}">
${edges.map(({ wall, inset, edge }) => wallOf(wall, inset, edge, height))}
<rect class="core" x="${pad}" y="${pad}" width="${core}" height="${height - 2 * pad}" rx="8"/><text x="${pad + core / 2}" y="${height / 2}" font-size="${font + 2}" font-weight="600" text-anchor="middle" dominant-baseline="middle">${shape.name === 'wide' ? 'the job' : 'job'}</text>
${rows.map((row) => rowOf(row, shape, pad + core, labelX))}
${shape.name === 'wide' ? edges.map(({ edge }, index) => tagOf(index + 1, edge, pad + 14)) : ''}
</svg>`
}

function wallOf({ state }: Wall, inset: number, edge: number, height: number): Markup {
  const style = state === 'whole' ? 'wall' : `wall ${state}`
  return html`<rect class="${style}" x="${inset}" y="${inset}" width="${edge - inset}" height="${height - 2 * inset}" rx="6"/>
`
}

/** The wall's number, on the edge that openings lead through. */
function tagOf(number: number, x: number, y: number): Markup {
  return html`<circle class="tag" cx="${x}" cy="${y}" r="10"/><text class="number" x="${x}" y="${y}" font-size="12" font-weight="700" text-anchor="middle" dominant-baseline="central">${number}</text>
`
}

function rowOf(
  { opening, to, width, top, height }: Row,
  { font }: Shape,
  from: number,
  labelX: number,
): Markup {
  const half = HALF[opening.size]
  const y = round(top + Math.min(height / 2, font * LINE))
  const end = labelX - 14
  // its own servers are inside: nothing of it goes through a wall
  const through = opening.way !== 'loopback'
  const line = (index: number) => round(top + font + index * font * LINE)
  const gap = html`<rect class="gap" x="${from + 1}" y="${y - half}" width="${end - from - 1}" height="${2 * half}"/>
<line class="edge" x1="${from + 1}" y1="${y - half}" x2="${end}" y2="${y - half}"/><line class="edge" x1="${from + 1}" y1="${y + half}" x2="${end}" y2="${y + half}"/>
${arrows(opening.way, from, end, y)}`
  return html`<g>
${through ? gap : ''}
${to.map((words, index) => html`<text class="code" x="${labelX}" y="${line(index)}" font-size="${font}" font-weight="600">${words}</text>`)}
${width.map((words, index) => html`<text class="small" x="${labelX}" y="${line(to.length + index)}" font-size="${font - 1}">${words}</text>`)}
</g>
`
}

/** Which way things pass: out, in, or both. */
const OUT: readonly Way[] = ['network', 'credential', 'collected', 'live', 'streams']
const IN: readonly Way[] = ['network', 'credential', 'read', 'live', 'streams']

function arrows(way: Way, from: number, end: number, y: number): Markup {
  const out = html`<path class="arrow" d="M${end} ${y - 7}l10 7l-10 7z"/>`
  const inward = html`<path class="arrow" d="M${from + 14} ${y - 7}l-10 7l10 7z"/>`
  return html`${OUT.includes(way) ? out : Markup.constant('')}${IN.includes(way) ? inward : Markup.constant('')}`
}

function laidOut(openings: readonly Opening[], shape: Shape, room: number, start: number): Row[] {
  const { font } = shape
  // of a fixed-width font, and of another: what a character takes at most on average
  const [code, plain] = [Math.floor(room / (font * 0.63)), Math.floor(room / ((font - 1) * 0.56))]
  let top = start
  return openings.map((opening) => {
    const to = wrapped(opening.to, code)
    const width = wrapped(`${opening.width.join('; ')} [${opening.name}]`, plain)
    const height = Math.max((to.length + width.length) * font * LINE, 2 * HALF[opening.size])
    const row = { opening, to, width, top, height }
    top += height + ROW_GAP
    return row
  })
}

/** Lines of at most so many characters, broken at spaces where there are some. */
export function wrapped(text: string, most: number): string[] {
  const lines: string[] = []
  let rest = [...text]
  while (rest.length > most) {
    const space = rest.lastIndexOf(' ', most)
    const cut = space > most / 3 ? space : most
    lines.push(rest.slice(0, cut).join(''))
    rest = rest.slice(rest[cut] === ' ' ? cut + 1 : cut)
  }
  return [...lines, rest.join('')]
}

const STATES = { whole: '', holed: ' – has a hole', absent: ' – not there' } as const

function caption(walls: readonly Wall[]): Markup {
  return html`<p>The walls, from the job outwards:</p><ol class="walls">${walls.map(
    ({ name, what, state }) => html`<li><b>${name}</b>: ${what}${STATES[state]}</li>`,
  )}</ol><p>Dashed is a wall that is not whole. The wider a gap, the more lies behind it: from one thing that was named to more than anyone can list.</p>`
}

function spoken(walls: readonly Wall[], openings: readonly Opening[]): string {
  return `The job in ${walls.filter(({ state }) => state === 'whole').length} whole walls, with ${openings.length} openings: ${openings.map(({ to }) => to).join(', ')}.`
}

const round = (value: number) => Math.round(value * 10) / 10
