"""A review tool, installed in an environment of its own: tools need other versions of our libraries."""

import shutil
import sys
from pathlib import Path

from spacy_ner_plus.workflows.arguments.targets import check_new_folder
from spacy_ner_plus.workflows.subprocesses import run


def install(tool: str, folder: str | Path) -> list[str]:
    """Install a tool.

    tool (str): One of `review_tools()`.
    folder (str | Path): Of the new environment; nothing stays there where it can't be installed.
    RETURNS (list[str]): How to start it.
    RAISES (UserError): Where there is no such tool, the folder isn't empty, or pip fails.
    """
    from spacy_ner_plus.annotation.review.registered import get_tool

    found, folder = get_tool(tool), Path(folder)
    if not found.requirements:
        return [f"{found.name} is reached by files: there is nothing to install."]
    check_new_folder("the environment", folder)
    try:
        # Not beside it and moved: the programs of an environment name its folder.
        run([sys.executable, "-m", "venv", str(folder)])
        run([str(_python(folder)), "-m", "pip", "install", "-q", *found.requirements])
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    start = getattr(found, "start", None)
    return [f"Installed {' '.join(found.requirements)} in {folder}.", *(start(folder) if start else ())]


def _python(folder: Path) -> Path:
    """RETURNS (Path): The environment's Python."""
    return folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
