/** What `explain` says, as one page that needs nothing else: no script, font, picture or request. Pure. */
import type { Claim } from '../../plan/index.js'
import type { Explanation } from '../explain.js'
import { html, Markup } from './escape.js'
import { picture } from './picture.js'
import { STYLE } from './style.js'

/** Nothing is loaded and nothing runs, whatever text came into the page. */
const SECURITY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

export function explanationPage(explained: Explanation): string {
  const { boundary, policySha256, walls, openings, parts, warnings, claims } = explained
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${SECURITY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Blast radius of policy ${policySha256.slice(0, 12)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<h1>What a job could reach</h1>
<p class="lead">If the job were taken over, this is all that it could still do. Boundary <code>${boundary}</code>, policy <code>${policySha256.slice(0, 12)}</code>, as this host enforces it.</p>
</header>
<section class="card">${picture(walls, openings)}</section>
${warnings.length === 0 ? nothing : html`<section class="card think"><h2>Think twice</h2>${list(warnings)}</section>`}
<div class="parts">${parts.map(
    ({ title, lines }) => html`<section class="card"><h2>${title}</h2>${list(lines)}</section>
`,
  )}</div>
<section class="card claims"><h2>Promises, and what keeps them</h2>
<table><thead><tr><th scope="col">kept</th><th scope="col">promise</th></tr></thead><tbody>
${claims.map(claimRow)}</tbody></table></section>
</main>
</body>
</html>
`.toString()
}

const nothing = Markup.constant('')

const list = (lines: readonly string[]) => html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`

const STATUS: Record<Claim['status'], string> = {
  enforced: 'yes',
  waived: 'waived',
  impossible: 'no',
  notApplicable: 'not asked',
}

function claimRow({ id, sentence, status, by, refusal, absence }: Claim): Markup {
  const because = [by.join('; '), refusal === null ? '' : `${refusal.why} ${refusal.get}`, absence ?? '']
  const word = absence === null ? STATUS[status] : 'not here'
  return html`<tr><td><span class="state ${status}">${word}</span></td><td>${sentence} <code>${id}</code>${because
    .filter((text) => text !== '')
    .map((text) => html`<p class="by">${text}</p>`)}</td></tr>
`
}
