/** The style of the web page; light or dark as the browser prefers. */
export const STYLE = `:root { color-scheme: light dark; --soft: color-mix(in srgb, currentColor 12%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 0 auto; padding: 1rem 1.5rem 4rem; }
header { border-bottom: 1px solid var(--soft); margin-bottom: 1.5rem; }
header a { font-weight: 600; text-decoration: none; color: inherit; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
a { color: light-dark(#0b57d0, #8ab4f8); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--soft); vertical-align: top; }
td { overflow-wrap: anywhere; }
.size { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
code, pre, .step { font: .875em/1.5 ui-monospace, monospace; }
pre { background: var(--soft); border-radius: .4rem; padding: .6rem .9rem; overflow-x: auto; user-select: all; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; }
dt { opacity: .7; }
dd { margin: 0; overflow-wrap: anywhere; }
ul.names { list-style: none; padding: 0; }
ul.names li { padding: .3rem 0; border-bottom: 1px solid var(--soft); overflow-wrap: anywhere; }
`;
