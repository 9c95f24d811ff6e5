"""HTML and RTF to plain text. Offsets of facts count the characters of the plain text that comes out of here."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "dd", "div", "dl", "dt", "fieldset", "figure",
        "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre",
        "section", "table", "tbody", "tfoot", "thead", "tr", "ul",
    }
)  # fmt: skip
_HIDDEN = frozenset(
    {
        "head", "script", "style", "template", "title",
    }
)  # fmt: skip


class _HtmlText(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0
        self._verbatim = 0

    def _break(self) -> None:
        if self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag == "br":
            self.parts.append("\n")
        elif tag in _BLOCKS:
            self._break()
            self._verbatim += tag == "pre"
        elif tag in ("td", "th") and self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\t")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag in _BLOCKS:
            self._break()
            self._verbatim = max(0, self._verbatim - (tag == "pre"))

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if not self._verbatim:
            data = re.sub(r"[ \t\r\n\f]+", " ", data)
            if not self.parts or self.parts[-1].endswith(("\n", "\t", " ")):
                data = data.lstrip(" ")
        if data:
            self.parts.append(data)


def html_to_text(markup: str) -> str:
    """The readable text of an HTML document: one line for each block, cells of a table row set apart by tabs.

    >>> html_to_text("<p>ECOG&nbsp;1</p><table><tr><td>ANC</td><td>2.1</td></tr></table>")
    'ECOG\\xa01\\nANC\\t2.1'
    """
    parser = _HtmlText()
    parser.feed(markup)
    parser.close()
    return "\n".join(line.rstrip(" ") for line in "".join(parser.parts).split("\n")).strip("\n")


_RTF_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<hex>[0-9a-fA-F]{2})|\\(?P<symbol>[^a-zA-Z])"
    r"|(?P<brace>[{}])|[\r\n]+|(?P<text>[^\\{}\r\n]+)",
    re.DOTALL,
)
_RTF_SKIPPED = frozenset(
    {
        "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "headerl", "headerr", "headerf",
        "footer", "footerl", "footerr", "footerf", "listtable", "listoverridetable", "revtbl", "rsidtbl",
        "themedata", "colorschememapping", "datastore", "latentstyles", "xmlnstbl", "generator", "filetbl",
        "fldinst", "bkmkstart", "bkmkend",
    }
)  # fmt: skip
_RTF_CHARACTERS = {
    "par": "\n", "line": "\n", "row": "\n", "sect": "\n", "page": "\n", "tab": "\t", "cell": "\t", "emdash": "\u2014",
    "endash": "\u2013", "bullet": "\u2022", "lquote": "\u2018", "rquote": "\u2019", "ldblquote": "\u201c",
    "rdblquote": "\u201d", "emspace": " ", "enspace": " ",
}  # fmt: skip
_RTF_SYMBOLS = {"~": "\xa0", "_": "\u2011", "\n": "\n", "\r": "\n", "\\": "\\", "{": "{", "}": "}"}


def rtf_to_text(markup: str) -> str:
    """The readable text of an RTF document (RTF 1.9: code page, ``\\u`` with its replacement, destinations skipped).

    >>> rtf_to_text(r"{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}}ECOG 1\\par Pl\\'e4t\\u8805? 100}")
    'ECOG 1\\nPlät≥ 100'
    """
    out: list[str] = []
    pending = bytearray()  # bytes of the code page, decoded together: some pages take two for a character
    codec, skip, replaced, hidden = "cp1252", 1, 0, False
    stack: list[tuple[int, bool]] = []

    def flush() -> None:
        if pending:
            out.append(pending.decode(codec, "replace"))
            pending.clear()

    for token in _RTF_TOKEN.finditer(markup):
        kind = token.lastgroup
        if kind == "hex" and not hidden:
            if replaced:
                replaced -= 1
            else:
                pending.append(int(token["hex"], 16))
            continue
        if kind == "text" and not hidden and (text := token["text"][replaced:] if replaced else token["text"]):
            flush()
            out.append(text)
            replaced = 0
        elif kind == "text":
            replaced = max(0, replaced - len(token["text"]))
        elif kind == "brace":
            flush()
            replaced = 0
            if token["brace"] == "{":
                stack.append((skip, hidden))
            elif stack:
                skip, hidden = stack.pop()
        elif kind == "symbol":
            flush()
            if token["symbol"] == "*":
                hidden = True
            elif not hidden:
                out.append(_RTF_SYMBOLS.get(token["symbol"], ""))
        elif token["word"]:  # a number is an own group, so lastgroup may be either
            flush()
            word, number = token["word"], token["number"]
            if word in _RTF_SKIPPED:
                hidden = True
            elif word == "ansicpg" and number:
                codec = _codec(int(number))
            elif word == "uc" and number:
                skip = max(0, int(number))
            elif word == "u" and number and not hidden:
                out.append(_character(int(number)))
                replaced = skip
            elif not hidden:
                out.append(_RTF_CHARACTERS.get(word, ""))
    flush()
    joined = "".join(out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # pairs of \u become one
    return "\n".join(line.rstrip("\t") for line in joined.split("\n")).strip("\n")


def _codec(page: int) -> str:
    name = {10000: "mac_roman", 65001: "utf-8"}.get(page, f"cp{page}")
    try:
        "".encode(name)
    except LookupError:
        return "cp1252"
    return name


def _character(code: int) -> str:
    """RTF writes code points above 32767 as negative numbers."""
    code = code + 65536 if code < 0 else code
    return chr(code) if 0 <= code <= 0xFFFF else "\ufffd"
