"""The results of a connection check for people: as text, in a notebook's cell, and as a page of its own."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from ..messages import CheckResult

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --pass: #1a7f37; --warning: #8a5a00; --fail: #c02020; --skipped: #5f6670;
  --line: #d0d4da; --ground: #fff; --ink: #1c1f24; }
@media (prefers-color-scheme: dark) { :root { --pass: #5fcf7a; --warning: #e6b450; --fail: #ff8a80;
  --skipped: #a0a7b2; --line: #3c424b; --ground: #16191d; --ink: #e8eaed; } }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0; }
table { border-collapse: collapse; width: 100%; margin-top: 1.5rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0;
  border-top: 1px solid var(--line); overflow-wrap: anywhere; }
thead th { border-top: 0; font-weight: 600; }
tbody th { font-weight: 600; }
p { margin: 0; }
.outcome { font-weight: 600; white-space: nowrap; }
.pass { color: var(--pass); } .warning { color: var(--warning); } .fail { color: var(--fail); }
.skipped { color: var(--skipped); }
@media (max-width: 40rem) { thead { display: none; } tr, th, td { display: block; }
  tr { border-top: 1px solid var(--line); padding: .5rem 0; } th, td { border: 0; padding: 0; } }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
CELL = ' style="text-align:left;vertical-align:top"'
"""Notebooks align cells to the right, and give no room for a style sheet."""


WIDTH = 100
"""Characters of a line of text."""
TITLE = 40
"""A column of titles is no wider; a longer title stands on a line of its own."""
OUTCOME = len("warning")
WHERE = {"page": "browser", "engine": "Python", "kernel": "Python"}
"""Who looked, for a person."""
BY = max(map(len, WHERE.values()))
GAP = "  "
HEADS = ("Result", "By", "Check", "What was found")


def summary(results: Sequence[CheckResult]) -> str:
    """How it went, in one sentence."""
    if not results:
        return "Nothing was checked yet."
    counts = Counter[str](result.outcome for result in results)
    bad = [
        f"{counts[outcome]} {word}{'' if counts[outcome] == 1 else 's'}"
        for outcome, word in (("fail", "failure"), ("warning", "warning"))
        if counts[outcome]
    ]
    return f"{', '.join(bad) or 'All is well'} in {len(results)} check{'' if len(results) == 1 else 's'}."


def text(results: Sequence[CheckResult], width: int = WIDTH) -> str:
    """Aligned for a terminal: a line for each result, its advice below it, and the summary at the end."""
    titles = [_plain(result.title) for result in results]
    column = max((len(title) for title in titles if len(title) <= TITLE), default=0)
    indent = " " * (OUTCOME + BY + column + 3 * len(GAP))
    lines: list[str] = []
    for result, title in zip(results, titles, strict=True):
        sentences = (_plain(result.detail), _plain(result.advice))
        below = [
            line for sentence in sentences for line in textwrap.wrap(sentence, max(20, width - len(indent)))
        ]
        start = f"{result.outcome:<{OUTCOME}}{GAP}{WHERE[result.by]:<{BY}}{GAP}{title:<{column}}"
        first = f"{GAP}{below.pop(0)}" if below and len(title) <= column else ""
        lines.append(f"{start}{first}".rstrip())
        lines += [f"{indent}{line}" for line in below]
    return "\n".join([*lines, summary(results)])


def document(results: Sequence[CheckResult]) -> str:
    """The whole page, with the time at which it was made; without scripts."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    table = _table(results, "") if results else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>nbrtc: check of the connection</title><style>{STYLE}</style></head>\n"
        f"<body><h1>Check of the connection</h1><p>{escape(summary(results))} {now}.</p>{table}"
        "</body></html>\n"
    )


def fragment(results: Sequence[CheckResult]) -> str:
    """For the output of a cell."""
    return f"<p>{escape(summary(results))}</p>{_table(results, CELL) if results else ''}"


def _table(results: Sequence[CheckResult], style: str) -> str:
    heads = "".join(f'<th scope="col"{style}>{head}</th>' for head in HEADS)
    return (
        f"<table><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(_row(result, style) for result in results)}</tbody></table>"
    )


def _row(result: CheckResult, style: str) -> str:
    advice = f"<p><em>{escape(result.advice)}</em></p>" if result.advice else ""
    return (
        f'<tr><td class="outcome {result.outcome}"{style}>{result.outcome}</td>'
        f"<td{style}>{WHERE[result.by]}</td>"
        f'<th scope="row"{style}>{escape(result.title)}</th>'
        f"<td{style}><p>{escape(result.detail)}</p>{advice}</td></tr>\n"
    )


def _plain(sentence: str) -> str:
    """One line that a terminal only prints: what servers say may be in it."""
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(sentence.split()))
