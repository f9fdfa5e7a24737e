"""llama.cpp's own server, in this process, with the tests' tiny model.

    python -m tests.servers.llama_server --port 0

prints the URL for a config's `base_url` and serves until its standard input closes or it is told to end.
What it answers follows the schema or grammar asked for and means nothing: it proves paths, not quality.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers.tiny_llama import NAME, write_tiny_llama

SLOTS = 4
CONTEXT_LENGTH = 16_384
# A connection that is kept alive holds a thread; a request beyond their number waits for seconds.
HTTP_THREADS = 128
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def llama_server(
    *,
    model: Path | None = None,
    api_key: str = "",
    port: int = 0,
    slots: int = SLOTS,
    context_length: int = CONTEXT_LENGTH,
    adapters: Sequence[Path] = (),
) -> Iterator[str]:
    """Serve a model on the loopback address; call it in the main thread.

    model (Path | None): A GGUF file; the tests' tiny model if None.
    api_key (str): What requests must show; nothing if empty.
    port (int): Where to listen; any free port for 0.
    slots (int): How many requests are answered at once; more wait their turn.
    context_length (int): Tokens of prompt and reply together, in each slot.
    adapters (Sequence[Path]): LoRA adapters as GGUF files, all of them on.
    YIELDS (str): The URL that a config names as `base_url`.
    RAISES (RuntimeError): The port is taken, or the file is no model.
    """
    import xllamacpp

    with tempfile.TemporaryDirectory() as folder:
        params = xllamacpp.CommonParams()
        params.model.path = str(model or write_tiny_llama(Path(folder) / f"{NAME}.gguf"))
        params.model_alias = {NAME if model is None else model.stem}
        params.hostnames = ["127.0.0.1"]
        params.port = port
        params.api_keys = [api_key] if api_key else []
        params.n_parallel = slots
        params.n_ctx = slots * context_length
        params.n_threads_http = HTTP_THREADS
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        params.cache_ram_mib = 0
        params.warmup = params.fit_params = params.ui = False
        params.verbosity = 0
        if adapters:
            params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(path), 1.0) for path in adapters]
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        try:
            server = xllamacpp.Server(params)
        finally:
            # It has taken Ctrl-C for itself, for the whole process, also where it doesn't start.
            for number, handler in handlers.items():
                signal.signal(number, handler)
        try:
            yield f"{server.listening_address}/v1"
        finally:
            # It ends with its last reference.
            del server


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.servers.llama_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where to listen; 0 takes any free port")
    parser.add_argument("--slots", type=int, default=SLOTS, help="how many requests are answered at once")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    try:
        with llama_server(port=options.port, slots=options.slots) as url:
            sys.stdout.write(f"{url}\n")
            sys.stdout.flush()
            while sys.stdin.buffer.readline():
                pass
    except KeyboardInterrupt:
        sys.exit(130)
    except RuntimeError as error:
        sys.exit(f"No server on port {options.port}: {error}")


def _end(number: int, frame: object) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
