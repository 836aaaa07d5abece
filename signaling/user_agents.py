"""Which browser on which system a `User-Agent` speaks of: two names of ours, and nothing of its.

Pure. A person has to tell their sessions apart, and no more is kept: no version, no model.
Who wants to may lie, so nothing but a line in a list hangs on it.
"""

_LONGEST_READ = 512

# The order matters: almost everything says Safari, and most of it says Chrome.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("YaBrowser/", "Yandex Browser"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def family(user_agent: str) -> str:
    """Give 'Firefox, Linux', one of the two names alone, or nothing."""
    text = user_agent[:_LONGEST_READ]
    found = (_first(names, text) for names in (_BROWSERS, _SYSTEMS))
    return ", ".join(name for name in found if name)


def _first(names: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((name for mark, name in names if mark in text), None)
