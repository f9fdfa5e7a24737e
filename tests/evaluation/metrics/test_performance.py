import re
import subprocess
import sys

from spacy_ner_plus.evaluation.metrics.performance import llm_usage, peak_gpu_memory, peak_memory, processor


def test_performance_peak_memory_is_that_of_the_process():
    code = (
        "from spacy_ner_plus.evaluation.metrics.performance import llm_usage, peak_memory\n"
        "before = peak_memory()\n"
        "block = b'x' * (200 << 20); del block\n"
        "print(before, peak_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = map(float, done.stdout.split())
    assert 190 < after - before < 260
    assert peak_memory() > 20


def test_performance_names_the_processor():
    assert re.search(r"\w", processor())


def test_performance_of_a_gpu_is_known_only_where_torch_uses_one():
    code = (
        "import sys\n"
        "from spacy_ner_plus.evaluation.metrics.performance import llm_usage, peak_gpu_memory\n"
        "print(peak_gpu_memory(), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "False"]
    assert peak_gpu_memory() is None or peak_gpu_memory() > 0


def test_performance_collect_the_usage_of_language_models():
    class WithMethod:
        def usage_report(self):
            return {"requests": 3}

    class WithAttribute:
        usage_report = {"cost": 0.5}  # noqa: RUF012

    components = [("a", WithMethod()), ("b", WithAttribute()), ("c", object())]
    assert llm_usage(components) == {"a": {"requests": 3}, "b": {"cost": 0.5}}
