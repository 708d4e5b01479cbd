"""Whether the built site shows each example: python .ci/check_site.py build/site docs/examples."""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path


def site_problems(site: Path, examples: Path) -> list[str]:
    """Return what is wrong: an insertion that was not carried out, an example that is nowhere."""
    pages = {
        path.relative_to(site): html.unescape(re.sub(r"<[^>]+>", "", path.read_text("utf-8")))
        for path in sorted(site.rglob("*.html"))
    }
    problems = [
        f'{path}: `--8` stands on the page: write --8<-- "file.py", with nothing in between'
        for path, text in pages.items()
        if re.search(r"--8\s*<", text)
    ]
    for example in sorted(examples.glob("*.py")):
        lines = example.read_text("utf-8").splitlines()
        known = [line.strip() for line in lines if len(line.strip()) > 40]
        if not any(all(line in text for line in known) for text in pages.values()):
            problems.append(f"{example.name}: no page shows it")
    return problems if pages else [f"{site}: holds no page"]


if __name__ == "__main__":
    found = site_problems(Path(sys.argv[1]), Path(sys.argv[2]))
    print("\n".join(found) or "every example stands on a page")
    sys.exit(bool(found))
