"""A client in a process of its own, to be killed or run beside others.

    python -m tests.llm.client.client_process URL STORE COUNT

It asks about texts_of(COUNT) and prints a line for each that is answered. Interrupted, it closes the
model and prints how long that took.
"""

import sys
import time

from tests.llm.client.asking import ask_for, open_model, read_lists, texts_of


def main(url: str, store: str, count: int) -> None:
    model = open_model(base_url=url, name="tiny", store=store, max_concurrency=8, structured="json_schema")
    say("begun")
    try:
        futures = [model.submit(ask_for(text), read_lists) for text in texts_of(count)]
        for number, future in enumerate(futures):
            say(f"{number} {future.result().kind or 'ok'}")
    except KeyboardInterrupt:
        began = time.monotonic()
        model.close()
        say(f"closed {time.monotonic() - began}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
