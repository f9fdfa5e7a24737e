"""What MkDocs runs when it makes the site: README as the first page, and links out of docs/ that lead somewhere.

Pages are written to be read in the repository, where links go from file to file. The site holds what they
link to outside of docs/, too (CONTRIBUTING.md, configs, result files), under `repository/`.
"""

import json
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
_LINK = re.compile(r"(!?\[[^\]]*\])\(([^)\s#]+)(#[^)\s]*)?\)")
_TEST = re.compile(r"^<!-- test:.*?-->\n?", flags=re.M | re.S)
# The pages that aren't in docs/; what they link to is added to the site, as what docs/ links to.
OUTSIDE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages and files outside of docs/, and notebooks as pages."""
    for path in OUTSIDE:
        files.append(File.generated(config, _address(path), content=(ROOT / path).read_text(encoding="utf8")))
    for notebook in sorted(ROOT.glob("docs/**/*.ipynb")):
        path = notebook.relative_to(ROOT).as_posix()
        files.append(File.generated(config, _address(path), content=_notebook_page(notebook)))
    linked = {
        target
        for page in files.documentation_pages()
        for _, link, _ in _LINK.findall(page.content_string)
        if (target := _target(_source(page.src_uri), link)) and not target.startswith("docs/")
    }
    for path in sorted(linked - set(OUTSIDE)):
        if (ROOT / path).is_file():
            files.append(File.generated(config, _address(path), abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """Leave out what the tests read, and let links lead to where things are on the site."""
    source = _source(page.file.src_uri)

    def on_site(match: re.Match[str]) -> str:
        text, link, anchor = match.groups()
        target = _target(source, link)
        if target is None:
            return match[0]
        if (ROOT / target).is_dir():
            return text.strip("[]")
        here = posixpath.dirname(page.file.src_uri) or "."
        return f"{text}({posixpath.relpath(_address(target), here)}{anchor or ''})"

    return _LINK.sub(on_site, _TEST.sub("", markdown))


def _target(source: str, link: str) -> str | None:
    """The path in the repository that a link of a page leads to; None for an address of the web."""
    if "://" in link or link.startswith("mailto:"):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), link))


def _address(path: str) -> str:
    """Where a path of the repository is on the site, as MkDocs names sources."""
    if path == "README.md":
        return "index.md"
    if not path.startswith("docs/"):
        return f"repository/{path}"
    return re.sub(r"\.ipynb$", ".md", path.removeprefix("docs/"))


def _source(address: str) -> str:
    """The path in the repository of what has an address on the site."""
    if address == "index.md":
        return "README.md"
    if address.startswith("repository/"):
        return address.removeprefix("repository/")
    notebook = re.sub(r"\.md$", ".ipynb", address)
    return f"docs/{notebook if (ROOT / 'docs' / notebook).is_file() else address}"


def _notebook_page(path: Path) -> str:
    parts = []
    for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", []):
            data = output.get("data", {"text/plain": output.get("text", "")})
            html, text = "".join(data.get("text/html", "")), "".join(data.get("text/plain", ""))
            parts.append(f"<div>{html}</div>" if html else f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"
