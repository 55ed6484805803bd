"""What may reach a terminal. Everything from a cluster or a file passes `clean` on its way out."""

import unicodedata

# Control characters (C0, C1, DEL), line and paragraph separators, bidirectional controls and other invisible
# formatting characters, surrogates, private use: all that moves the cursor, reorders or hides text.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str) -> str:
    """Return `text` with every unsafe character written as an escape (`\\x1b`, `\\u202e`), on one line.

    Printable text comes back as it is.
    """
    if text.isprintable():  # none of these categories is; nor are other blanks, which are let through below
        return text
    return "".join(_escape(c) if unicodedata.category(c) in _UNSAFE_CATEGORIES else c for c in text)


def clean_lines(text: str) -> str:
    """Like `clean`, but keeps line feeds and writes a tab as spaces: for whole documents (YAML, messages)."""
    return "\n".join(clean(line) for line in text.expandtabs(4).split("\n"))


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """Columns that cleaned `text` takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # only for text that needs it: start-up stays lean

    return cell_len(text)


def cut(text: str, columns: int) -> str:
    """Cut cleaned `text` in the middle so that it takes at most `columns`; names differ at both ends."""
    if width(text) <= columns:
        return text
    if columns <= 1:
        return "…"[:columns]
    tail = (columns - 1) // 2
    head = columns - 1 - tail
    return f"{_take(text, head)}…{_take(text[::-1], tail)[::-1]}"


def cut_end(text: str, columns: int) -> str:
    """Cut cleaned `text` at its end: a sentence says what matters first."""
    return text if width(text) <= columns else f"{_take(text, columns - 1)}…"[:columns]


def fit(text: str, columns: int, align: str = "left", *, prose: bool = False) -> str:
    """Cut or pad cleaned `text` to exactly `columns`."""
    text = cut_end(text, columns) if prose else cut(text, columns)
    gap = " " * (columns - width(text))
    return gap + text if align == "right" else text + gap


def _take(text: str, columns: int) -> str:
    if text.isascii():
        return text[:columns]
    taken = ""
    for char in text:
        if width(taken + char) > columns:
            break
        taken += char
    return taken
