"""Run a command with a chat model's URL: the one that is named, or the tests' tiny model.

    python -m tests.servers.with_server --url "" -- python -m spacy_ner_plus evaluate … --override …base_url={url}

`{url}` in the command's arguments becomes the URL. Without a URL, llama.cpp's server answers on the
loopback address with random weights: that proves the path, and its F1 means nothing.
"""

import argparse
import subprocess
import sys


def main(arguments: list[str] | None = None) -> int:
    """RETURNS (int): The command's exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.servers.with_server", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--url", default="", help="base URL of a server; empty for the tests' model")
    parser.add_argument("command", nargs="+", help="what to run, after --")
    options = parser.parse_args(arguments)
    if options.url:
        return run(options.command, options.url)
    from tests.servers.llama_server import llama_server

    try:
        with llama_server() as url:
            sys.stderr.write(
                f"No endpoint is named (--vars.llm_url): the tests' tiny model answers at {url}. Its weights are "
                "random: this proves the path, and its F1 means nothing.\n"
            )
            return run(options.command, url)
    except ImportError as error:
        missing = f"No endpoint is named, and the tests' own server can't run: {error}."
        sys.exit(f'{missing} Give --vars.llm_url URL, or install it: pip install -e ".[test]"')


def run(command: list[str], url: str) -> int:
    """Run a command.

    command (list[str]): Its arguments, with {url} where the URL belongs.
    url (str): The URL.
    RETURNS (int): Its exit code.
    """
    words = [word.replace("{url}", url) for word in command]
    if words[0] == "python":
        words[0] = sys.executable
    return subprocess.run(words, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
