"""The subscribers' page as one HTML file that loads nothing; its content is the Markdown page's.

Needs markdown-it-py, which is a tool for development and not on a device.
"""

from __future__ import annotations

import re
from itertools import pairwise

_STYLE = """\
:root { color-scheme: light dark; --line: #8885; --soft: #8881; --link: light-dark(#0550ae, #79b8ff); }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); } h3 { margin-top: 2rem; }
a { color: var(--link); } nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1rem 0; }
p, li { max-width: 46rem; }
code, pre { font: .875em/1.5 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; }
code { background: var(--soft); border-radius: .25em; padding: .1em .3em; }
pre { background: var(--soft); border-radius: .5em; padding: .75rem 1rem; overflow-x: auto; }
pre code { background: none; padding: 0; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .925em; }
th, td { text-align: left; vertical-align: top; padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line); }
td code { overflow-wrap: anywhere; }
@media (min-width: 48rem) { td:first-child code { white-space: nowrap; } }
"""

# Nothing is fetched and nothing runs, whatever the page says.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def webpage(markdown: str) -> str:
    """The page as HTML; markdown: of ``page.page``."""
    from markdown_it import MarkdownIt

    tokens = (parser := MarkdownIt("commonmark").enable("table")).parse(markdown)
    sections: dict[str, str] = {}
    for before, token in pairwise(tokens):
        if before.type == "heading_open" and before.tag == "h2":
            sections[_anchor(token.content)] = token.content
            before.attrSet("id", _anchor(token.content))
    body = parser.renderer.render([token for token in tokens if token.type != "html_block"], parser.options, {})
    body = body.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
    links = "\n".join(f'<a href="#{anchor}">{title}</a>' for anchor, title in sections.items())
    head, _, rest = body.partition("</h1>\n")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<!-- Made by `make docs` from edge/events; change it there. -->\n"
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Subscribing to mien</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        f"{head}</h1>\n<nav>\n{links}\n</nav>\n{rest}</body>\n</html>\n"
    )


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
