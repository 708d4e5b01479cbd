"""Every example stands on a page of the site, and the check of the built site sees one missing."""

import re
import runpy
from pathlib import Path

HOME = Path(__file__).parents[1]


def test_each_example_is_inserted_somewhere():
    texts = [page.read_text("utf-8") for page in (HOME / "docs").rglob("*.md")]
    assert not [text for text in texts if re.search(r"--8\s+<|--8<--\S", text)]
    inserted = set(re.findall(r'^--8<-- "(.+)"$', "\n".join(texts), flags=re.M))
    assert inserted == {path.name for path in (HOME / "docs" / "examples").glob("*.py")}


def test_the_check_of_the_site_can_fail(tmp_path):
    site_problems = runpy.run_path(str(HOME / ".ci" / "check_site.py"))["site_problems"]
    examples, site = tmp_path / "examples", tmp_path / "site"
    examples.mkdir()
    site.mkdir()
    line = "value = compare('a', ('tariff', ['b & c', 'd']))  # long enough"
    (examples / "one.py").write_text(line + "\n")
    assert site_problems(site, examples) == [f"{site}: holds no page"]
    page = site / "index.html"
    page.write_text('<p>--8 &lt; --"one.py"</p>')
    wrong = site_problems(site, examples)
    assert len(wrong) == 2 and "--8" in wrong[0] and "one.py" in wrong[1]
    page.write_text("<b>value</b> " + line.removeprefix("value ").replace("&", "&amp;"))
    assert site_problems(site, examples) == []
