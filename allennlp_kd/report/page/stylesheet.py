"""How the page looks: on a phone, on a wide screen, in the light and in the dark."""

STYLESHEET = """
:root {
  color-scheme: light dark;
  --page: #fbfbf9; --card: #ffffff; --ink: #222222; --soft: #5c5c5c; --line: #d9d9d4;
  --accent: #0072b2; --warn: #b34700;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #16181b; --card: #1f2226; --ink: #e8e8e6; --soft: #a9adb2; --line: #3a3f45;
    --accent: #5cb3e6; --warn: #ff9d5c;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; text-wrap: balance; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
p { margin: .5rem 0; max-width: 46rem; }
a { color: var(--accent); }
.soft, figcaption, caption { color: var(--soft); font-size: .875rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; margin: .75rem 0; list-style: none; }
nav a { display: inline-block; padding: .25rem 0; }
.cards, .plots { display: grid; gap: 1rem; margin: 1rem 0; }
.cards { grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); }
.plots { grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); align-items: start; }
.plots.wide { grid-template-columns: repeat(auto-fit, minmax(min(100%, 33rem), 1fr)); }
.card, figure, .sentence {
  background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem;
  min-width: 0; margin: 0;
}
.card h3 { margin: 0 0 .5rem; font-size: 1.05rem; border-left: .35rem solid var(--model); padding-left: .5rem; }
.card dl { display: grid; grid-template-columns: 1fr auto; gap: .15rem 1rem; margin: 0; }
.card dt { color: var(--soft); }
.card dd { margin: 0; text-align: right; }
.card .main { font-size: 1.35rem; font-weight: 600; line-height: 1.2; }
.scroll { overflow-x: auto; max-width: 100%; }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
figure svg { display: block; width: 100%; height: auto; max-width: calc(var(--width) * 1.15); margin: 0 auto; }
.wide figure svg { min-width: calc(var(--width) * .85); }
figcaption { margin-top: .5rem; }
figcaption strong { color: var(--ink); }
table { border-collapse: collapse; font-size: .9375rem; margin: .5rem 0;
  min-width: min(100%, 24rem); overflow-wrap: normal; }
caption { text-align: left; padding-bottom: .25rem; max-width: calc(100vw - 2.5rem); }
th, td { padding: .3rem .75rem .3rem 0; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: baseline; }
thead th { color: var(--soft); font-weight: 600; font-size: .8125rem; vertical-align: bottom; }
tbody th { font-weight: 500; min-width: 6rem; max-width: 40vw; overflow-wrap: anywhere; }
th.n, td.n { text-align: right; white-space: nowrap; padding-left: .5rem; }
details { margin: .75rem 0; }
summary { cursor: pointer; padding: .35rem 0; font-weight: 600; }
.tables { display: grid; gap: 0 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
.tables > * { min-width: 0; }
.sentences { display: grid; gap: 1rem; }
.sentence { content-visibility: auto; contain-intrinsic-size: auto 18rem; }
.sentence h4 { margin: 0 0 .25rem; font-size: .9375rem; }
.drawing { padding: .25rem 0; }
.side { display: block; color: var(--soft); font-size: .8125rem; font-weight: 600; }
.entities { line-height: 2.2 !important; }
mark.entity { color: #1a1a1a; padding: .2em .4em; margin: 0 .1em; line-height: 1; border-radius: .35em;
  box-decoration-break: clone; -webkit-box-decoration-break: clone; }
mark.entity span { margin-left: .4rem; font-size: .7em; font-weight: bold; vertical-align: middle; }
svg.displacy { display: block; font-size: 13px; fill: currentColor; text-anchor: middle; stroke-width: 1.4px; }
svg.displacy .displacy-label { font-size: .8em; fill: var(--accent); letter-spacing: 0; }
svg.displacy .displacy-tag { fill: var(--warn); font-size: 10px; }
footer { margin-top: 2.5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
@media (max-width: 30rem) {
  .card, figure, .sentence { padding: .6rem .7rem; }
  h1 { font-size: 1.4rem; }
}
@media print { details > * { display: block; } .sentence { break-inside: avoid; } }
"""
