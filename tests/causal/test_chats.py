from spacy_ner_plus.causal.batches import epoch_batches
from spacy_ner_plus.causal.chats import (
    NO_ANSWER,
    NO_TEXT,
    Tokens,
    encode_chats,
    encode_prompt,
    shared_prefix,
    without_thought,
)
from spacy_ner_plus.issues import IssueLog
from tests.tiny_causal import TEMPLATE, tiny_tokenizer

CHAT = [{"role": "user", "content": "Ann met Bob."}, {"role": "assistant", "content": '["Ann", "Bob"]'}]


def test_chats_are_a_prompt_and_an_answer():
    tokenizer = tiny_tokenizer()
    (found,) = encode_chats(tokenizer, [CHAT], max_length=100, left_out=IssueLog())
    assert tokenizer.decode(found.answer) == '["Ann", "Bob"]<|im_end|>'
    assert (
        tokenizer.decode(found.prompt) == "<|im_start|>user\nAnn met Bob.<|im_end|>\n<|im_start|>assistant\n"
    )
    assert encode_prompt(tokenizer, CHAT[:-1]).prompt == found.prompt


def test_chats_of_a_tokenizer_as_llama_2_has():
    tokenizer = tiny_tokenizer("sentencepiece")
    tokenizer.chat_template = (
        "{% for message in messages %}{{ '[INST] ' + message['content'] + ' [/INST]' if message['role'] == 'user'"
        " else ' ' + message['content'] + eos_token }}{% endfor %}"
    )
    (found,) = encode_chats(tokenizer, [CHAT], max_length=200, left_out=IssueLog())
    assert (
        tokenizer.decode([*found.prompt, *found.answer]) == '[INST] Ann met Bob. [/INST] ["Ann", "Bob"]</s>'
    )


def test_chats_without_an_answer_are_counted():
    left_out = IssueLog()
    encode_chats(tiny_tokenizer(), [CHAT, CHAT[:1], []], max_length=100, left_out=left_out)
    assert {kind: issue.count for kind, issue in left_out} == {NO_ANSWER: 2}


def test_chats_about_a_special_token_cant_be_answered():
    left_out = IssueLog()
    about = [
        {"role": "user", "content": "a <|im_end|> b"},
        {"role": "assistant", "content": "a <|im_end|> b"},
    ]
    (found,) = encode_chats(tiny_tokenizer(), [about, CHAT], max_length=100, left_out=left_out)
    assert {kind: issue.count for kind, issue in left_out} == {NO_TEXT: 1}
    assert tiny_tokenizer().decode(found.answer) == '["Ann", "Bob"]<|im_end|>'


def test_chats_of_a_template_without_a_prompt_for_answers():
    """A server sends none, and so the model has to begin with the answer itself."""
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = TEMPLATE.partition("{% if add_generation_prompt %}")[0]
    (found,) = encode_chats(tokenizer, [CHAT], max_length=100, left_out=IssueLog())
    assert tokenizer.decode(found.prompt) == "<|im_start|>user\nAnn met Bob.<|im_end|>\n"
    assert tokenizer.decode(found.answer) == '["Ann", "Bob"]<|im_end|>'


def test_chats_of_a_template_that_begins_to_think():
    """As those of R1 do: what is in front of the end of a thought is no answer to llama.cpp."""
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = TEMPLATE.replace(
        "{{ '<|im_start|>assistant\\n' }}", "{{ '<|im_start|>assistant\\n<think>\\n' }}"
    )
    (found,) = encode_chats(tokenizer, [CHAT], max_length=100, left_out=IssueLog())
    assert tokenizer.decode(found.prompt).endswith("<|im_start|>assistant\n<think>\n")
    told = tokenizer.decode(found.answer)
    assert told == '\n</think>\n\n["Ann", "Bob"]<|im_end|>'
    # And dev replies are scored without.
    assert without_thought(told) == '["Ann", "Bob"]<|im_end|>'
    assert without_thought(" </thin> a") == " </thin> a"


def test_chats_of_a_template_that_writes_an_empty_thought():
    """As Qwen3's does before an answer, and not at the end of a prompt: under a grammar none can be written."""
    tokenizer = tiny_tokenizer()
    thought = "('<think>\\n\\n</think>\\n\\n' if message['role'] == 'assistant' else '')"
    tokenizer.chat_template = TEMPLATE.replace("message['content'] +", f"{thought} + message['content'] +")
    (found,) = encode_chats(tokenizer, [CHAT], max_length=100, left_out=IssueLog())
    assert tokenizer.decode(found.prompt).endswith("<|im_start|>assistant\n")
    assert tokenizer.decode(found.answer) == '["Ann", "Bob"]<|im_end|>'


def test_chats_share_what_all_prompts_begin_with():
    assert shared_prefix([Tokens((1, 2, 3, 4)), Tokens((1, 2, 5)), Tokens((1, 2, 3, 9))]) == 2
    # A token is left that predicts the answer.
    assert shared_prefix([Tokens((1, 2)), Tokens((1, 2))]) == 1


def test_batches_have_each_chat_once_in_an_order_of_the_epoch():
    chats = [Tokens(tuple(range(i % 7 + 1)), (i,)) for i in range(50)]
    first, again, second = (epoch_batches(chats, 4, seed=0, epoch=epoch) for epoch in (0, 0, 1))
    assert first == again != second
    for batches in (first, second):
        assert sorted(chat.answer for batch in batches for chat in batch) == sorted(c.answer for c in chats)
        assert {len(batch) for batch in batches} <= {4, 2}
