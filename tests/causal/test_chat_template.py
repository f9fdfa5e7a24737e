import httpx
import pytest

from spacy_ner_plus.causal.chat_template import ChatTemplate
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.gguf_files import folder_to_gguf
from tests.servers.llama_server import llama_server
from tests.tiny_causal import TEMPLATE, save_tiny_causal, tiny_tokenizer

MESSAGES = [{"role": "system", "content": "Find names."}, {"role": "user", "content": "Ann met Bob."}]
# As Gemma has it, and the first Mistral.
REFUSES = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    f"{TEMPLATE}"
)
# As UniversalNER's has it.
LEAVES_OUT = TEMPLATE.replace(" in messages %}", " in messages if message['role'] != 'system' %}")
MISTRAL = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}"
    "{% endfor %}"
)
TEMPLATES = {"own": TEMPLATE, "refuses": REFUSES, "leaves out": LEAVES_OUT, "mistral": MISTRAL}


def save_with(folder, template, *, adds_first=False):
    """A model with another template, and a tokenizer that puts a token before every text."""
    from tokenizers.processors import TemplateProcessing

    save_tiny_causal(folder)
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    tokenizer.bos_token = "<|endoftext|>"
    if adds_first:
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
            single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)]
        )
    tokenizer.save_pretrained(folder)
    return folder, tokenizer


@pytest.mark.slow
@pytest.mark.parametrize("adds_first", [False, True])
@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_chat_template_writes_what_llama_cpp_sends(tmp_path, name, adds_first):
    folder, tokenizer = save_with(tmp_path / "model", TEMPLATES[name], adds_first=adds_first)
    prompt = ChatTemplate(tokenizer).prompt(MESSAGES)
    with llama_server(
        model=folder_to_gguf(folder, tmp_path / "model.gguf"), slots=1, context_length=512
    ) as url:
        body = {"messages": MESSAGES, "max_tokens": 1}
        used = httpx.post(f"{url}/chat/completions", json=body, timeout=60).json()["usage"]
        sent = httpx.post(f"{url.removesuffix('/v1')}/apply-template", json=body, timeout=60).json()["prompt"]
    # It adds the token itself, after that.
    assert prompt.removeprefix("<|endoftext|>") == sent.removeprefix("<|endoftext|>")
    assert len(tokenizer(prompt, add_special_tokens=False).input_ids) == used["prompt_tokens"]


@pytest.mark.parametrize("name", ["refuses", "leaves out", "mistral"])
def test_chat_template_without_a_place_for_instructions_gets_them_in_the_question(name):
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = TEMPLATES[name]
    assert "Find names.\nAnn met Bob." in ChatTemplate(tokenizer).prompt(MESSAGES)


def test_chat_template_begins_once():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = MISTRAL
    assert ChatTemplate(tokenizer).prompt(MESSAGES).count(tokenizer.bos_token) == 1


@pytest.mark.parametrize(
    "template", ["{{ 'a' + 1 }}", "{% for message in messages %}", "{{ messages[9]['role'] }}"]
)
def test_chat_template_that_is_broken_is_refused(template):
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    with pytest.raises(UserError, match="E906"):
        ChatTemplate(tokenizer).prompt(MESSAGES)
