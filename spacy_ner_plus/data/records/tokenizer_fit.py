"""Whether a language's tokenizer fits a source's texts: where it doesn't, most entities can't be learnt."""

import re
from collections import Counter
from collections.abc import Sequence

from spacy.tokens import Doc

# Scripts that write no spaces between words, and the language whose tokenizer cuts them, with what it needs.
SCRIPTS = {
    "ja": ("[\u3040-\u30ff]", "ja (pip install 'spacy[ja]')"),
    "ko": ("[\uac00-\ud7a3]", "ko (pip install 'spacy[ko]')"),
    "th": ("[\u0e00-\u0e7f]", "th (pip install 'spacy[th]')"),
    "zh": ("[\u3400-\u9fff]", "zh (nothing more to install)"),
}
_SCRIPTS = {lang: re.compile(pattern) for lang, (pattern, _) in SCRIPTS.items()}
# A token of so many characters without a space is no word in these scripts.
LONG = 12
# So many spans show whether the tokenizer fits.
ENOUGH = 5


SAMPLE = 500


class TokenizerFit:
    """Counts long tokens of scripts without spaces, and spans that begin or end within a token.

    lang (str): Language code of the tokenizer.
    """

    def __init__(self, lang: str):
        self.lang = lang
        self.spans = self.within_tokens = self.docs = 0
        self.fused: Counter[str] = Counter()
        self.example = ""

    def add(self, doc: Doc, spans: Sequence[tuple[int, int]]) -> None:
        """Look at a text that was tokenised; the first SAMPLE of a source are enough.

        spans (Sequence[tuple[int, int]]): Start and end of its spans, by character.
        """
        if self.docs >= SAMPLE:
            return
        self.docs += 1
        bounds = {bound for token in doc for bound in (token.idx, token.idx + len(token))}
        self.spans += len(spans)
        self.within_tokens += sum(not bounds.issuperset(span) for span in spans)
        for token in doc:
            # Japanese has Chinese characters, too, and is known by its own: it comes first.
            if len(token) >= LONG and (lang := _script(token.text)):
                self.fused[lang] += 1
                self.example = self.example or token.text[:LONG]
                break

    def note(self) -> str:
        """RETURNS (str): What to do where the tokenizer doesn't fit; '' where it does."""
        lang = self.fused.most_common(1)[0][0] if self.fused else ""
        is_fused = bool(lang) and self.fused[lang] * 2 >= self.docs
        is_within = self.spans >= ENOUGH and self.within_tokens * 2 > self.spans
        if not is_fused and not is_within:
            return ""
        found = []
        if is_fused:
            found.append(
                f"the tokenizer of '{self.lang}' makes one token of whole sentences, such as '{self.example}'"
            )
        if is_within:
            found.append(
                f"{self.within_tokens:,} of {self.spans:,} spans begin or end within a token of '{self.lang}'"
            )
        remedy = (
            f"Give `lang` {SCRIPTS[lang][1]} (--lang)"
            if is_fused and lang != self.lang
            else "Give the texts' own language as `lang` (--lang), or tokens with the source"
        )
        return f"{' and '.join(found)}. {remedy}: a pipeline's own tokens are what it can find."


def _script(word: str) -> str:
    return next((lang for lang, script in _SCRIPTS.items() if len(script.findall(word)) * 5 >= len(word)), "")
