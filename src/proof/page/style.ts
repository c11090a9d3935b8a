import { Markup } from './escape.js'

/** Of the page and its picture: two palettes, one sheet for paper. No font, picture or script is loaded. */
export const STYLE = Markup.constant(`
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1a1f27; --soft: #4c5664; --line: #d5dae1;
  --core: #e4ecf8; --core-line: #2b5fa8; --wall: #57616e; --open: #b3541e; --open-fill: #fbe9dd;
  --good: #1c6b3f; --good-fill: #e2f3e9; --bad: #a01f2b; --bad-fill: #fbe5e7; --mute-fill: #eceff3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151a; --card: #1b2027; --ink: #e8ecf1; --soft: #aeb8c4; --line: #343c47;
    --core: #1d2f48; --core-line: #8bb6f0; --wall: #97a3b2; --open: #f0a26e; --open-fill: #3d281a;
    --good: #7fd6a4; --good-fill: #163425; --bad: #ff9aa2; --bad-fill: #451d22; --mute-fill: #272e37;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
  overflow-wrap: anywhere;
}
main { max-width: 68rem; margin: 0 auto; padding: clamp(1rem, 4vw, 2.5rem); }
h1 { font-size: clamp(1.5rem, 4vw, 2.1rem); line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 0 0 .6rem; }
p { margin: 0 0 .6rem; }
code, .mono { font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, "Liberation Mono", monospace; font-size: .9em; }
.lead { color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: clamp(.9rem, 3vw, 1.4rem); margin: 1.1rem 0; }
.parts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1.1rem; }
.parts .card { margin: 0; }
ul, ol { margin: 0; padding-left: 1.2rem; }
li { margin: .25rem 0; }
.think { border-color: var(--open); background: var(--open-fill); }
figure { margin: 0; }
figcaption { color: var(--soft); margin-top: .8rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--ink); font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
svg .small { fill: var(--soft); }
svg .code { font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, "Liberation Mono", monospace; }
svg .core { fill: var(--core); stroke: var(--core-line); stroke-width: 2; }
svg .wall { fill: none; stroke: var(--wall); stroke-width: 3; }
svg .holed { stroke: var(--bad); stroke-dasharray: 14 5; }
svg .absent { stroke: var(--wall); stroke-width: 1.5; stroke-dasharray: 3 6; }
svg .gap { fill: var(--open-fill); }
svg .edge { stroke: var(--open); stroke-width: 2; }
svg .arrow { fill: var(--open); }
svg .way { fill: var(--open); }
svg .number { fill: var(--card); }
svg .tag { fill: var(--wall); }
.walls { columns: 24rem; column-gap: 2rem; margin-bottom: .6rem; }
.walls li { break-inside: avoid; }
.narrow { display: block; } .wide { display: none; }
@media (min-width: 46rem) { .narrow { display: none; } .wide { display: block; } }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .55rem .6rem .55rem 0; border-top: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); }
.by { color: var(--soft); font-size: .93em; margin: .2rem 0 0; }
.state { display: inline-block; border-radius: 6px; padding: 0 .5em; font-size: .85em; font-weight: 600; white-space: nowrap; background: var(--mute-fill); color: var(--soft); }
.enforced { background: var(--good-fill); color: var(--good); }
.waived, .impossible { background: var(--bad-fill); color: var(--bad); }
@media (max-width: 45.99rem) {
  thead { display: none; } tr, td { display: block; } tr { border-top: 1px solid var(--line); padding: .6rem 0; } td { border: 0; padding: .1rem 0; }
}
@media print {
  :root {
    color-scheme: light;
    --page: #fff; --card: #fff; --ink: #000; --soft: #333; --line: #bbb; --core: #eef3fb; --core-line: #2b5fa8; --wall: #444;
    --open: #8a3d10; --open-fill: #fbeee5; --good: #124d2c; --good-fill: #fff; --bad: #7d1420; --bad-fill: #fff; --mute-fill: #fff;
  }
  body { font-size: 10.5pt; } main { padding: 0; max-width: none; }
  .card { break-inside: avoid; border-radius: 0; } .claims { break-inside: auto; } tr { break-inside: avoid; }
  .narrow { display: none; } .wide { display: block; }
}
`)
