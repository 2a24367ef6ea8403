"""Elements of HTML and SVG, with all text escaped."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, tostring

UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that a page cannot hold."""


def element(tag: str, *children: Element | str, **attributes: object) -> Element:
    """Make an element; in the name of an attribute `_` means `-`, and a trailing `_` is dropped."""
    made = Element(tag, {name.rstrip("_").replace("_", "-"): _clean(str(v)) for name, v in attributes.items()})
    for child in children:
        if not isinstance(child, str):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + _clean(child)
        else:
            made.text = (made.text or "") + _clean(child)
    return made


def _clean(text: str) -> str:
    return UNWRITABLE.sub("\ufffd", text)


def page(title: str, style: str, *body: Element) -> str:
    """Return a whole HTML document."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", style),
    )
    whole = element("html", head, element("body", *body), lang="en")
    return f"<!DOCTYPE html>\n{tostring(whole, encoding='unicode', method='html')}\n"
