"""Points and times as people write them."""

__all__ = ["number", "percent", "plural", "seconds"]


def number(value: float | None) -> str:
    """`2`, `2.5`, `0.33`; an em dash for no value."""
    if value is None:
        return "—"
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "—"


def seconds(value: float) -> str:
    """`85 ms`, `1.2 s`, `3 min 20 s`, `2 h 5 min`."""
    if value < 0.0995:
        return f"{1000 * value:.0f} ms"
    if value < 99.5:
        return f"{value:.1f} s" if value < 9.95 else f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """`1 check`, `2 checks`."""
    return f"{count} {noun if count == 1 else nouns or noun + 's'}"
