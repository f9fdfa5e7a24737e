import os
import subprocess
import sys

from spacy_ner_plus.llm.local.processes import RunningProcess, is_orphan


def test_processes_that_run_are_told_from_those_that_ended():
    this = RunningProcess.this()
    assert this.runs()
    assert not is_orphan()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    other = RunningProcess.of(child.pid)
    assert other.runs()
    child.communicate(b"\n")
    assert not other.runs()
    # The number of another process by now.
    assert not RunningProcess(os.getpid(), "1").runs()
