"""An example or two of each command, which end its --help and stand in docs/reference."""

EXAMPLES = {
    "convert": (
        "convert train.conll corpus/train.spacy",
        "convert export.jsonl corpus.spacy --split train=0.8,dev=0.2",
    ),
    "formats": ("formats conll",),
    "convert-corpus": ("convert-corpus assets/mine corpus/mine --lang de",),
    "stats": (
        "stats corpus/train.spacy corpus/dev.spacy",
        "stats corpus/train.spacy corpus/dev.spacy --debug",
    ),
    "init": ("init my_project",),
    "check-project": ("check-project all --corpus mine --files assets/mine",),
    "check-corpus": ("check-corpus corpus/conll --source assets/conllpp",),
    "bootstrap-corpus": ("bootstrap-corpus assets/conllpp corpus/bootstrap",),
    "gold-review": ("gold-review predicted.spacy corpus/gold reviewed.spacy --limit 50",),
    "generate": (
        "generate assets/synthetic --train 200 --dev 50 --test 50",
        "generate corpus/pii --backend presidio --train 2000 --to spacy --instructions guidelines",
        "generate corpus/letters --backend llm --settings letters.yaml --set model.store=letters.sqlite",
    ),
    "annotate": (
        "annotate en_core_web_sm texts.jsonl corpus/weak.spacy --label-map labels.json",
        "annotate small=en_core_web_sm training/rules texts.txt corpus/weak.spacy --policy union",
    ),
    "distil": (
        "distil training/seed0/model-best training/seed1/model-best texts.jsonl corpus/student.spacy",
        "distil large=training/large/model-best texts.txt corpus/student.spacy --gold reviewed.spacy --temperature 2",
    ),
    "select": (
        'select texts.jsonl to_label.jsonl --query "a company buys another" --number 200',
        "select texts.txt to_label.spacy --uncertain training/mine/model-best --diverse --labelled corpus/train.spacy",
    ),
    "review tools": ("review tools doccano",),
    "review install": ("review install label-studio tools/label-studio",),
    "review push": (
        'review push label-studio corpus/weak.spacy --project "News 1" --labels conll --twice 0.2',
        "review push doccano corpus/weak.spacy --project tasks.jsonl",
    ),
    "review pull": (
        'review pull label-studio corpus/weak.spacy corpus/gold.spacy --project "News 1"',
        "review pull doccano corpus/weak.spacy corpus/gold.spacy --project admin.jsonl --store replies.sqlite",
        "review pull label-studio corpus/gold.spacy corpus/corrected.spacy --project Errors --keep-unreviewed",
    ),
    "review status": (
        'review status label-studio --project "News 1"',
        "review status doccano --project admin.jsonl --curve corpus/gold.spacy --config configs/transformer_ner.cfg",
    ),
    "review suggest": (
        "review suggest corpus/gold.spacy suspicious.spacy --pipeline training/other/model-best",
        "review suggest corpus/gold.spacy suspicious.spacy --config configs/transformer_ner.cfg --folds 5",
    ),
    "review merge": ("review merge ann.spacy bob.spacy --output corpus/gold.spacy --policy intersection",),
    "train": (
        "train configs/transformer_ner.cfg training/mine --paths.train train.spacy --paths.dev dev.spacy",
        "train configs/transformer_ner.cfg training/mine --calibrate --vars.epochs 4 --vars.device cuda",
    ),
    "average": (
        "average training/seed0/model-best training/seed1/model-best training/averaged --dev corpus/dev.spacy",
    ),
    "calibrate": ("calibrate training/mine/model-best corpus/dev.spacy --plot reliability.svg",),
    "evaluate": (
        "evaluate training/mine/model-best corpus/test.spacy --output metrics.json",
        "evaluate training/mine/model-best corpus/test.spacy --override components.transformer_ner.device=cpu",
    ),
    "compare": (
        "compare ours.json theirs.json --corpus corpus/test.spacy --output report",
        "compare ours=training/mine/model-best small=en_core_web_sm --corpus corpus/test.spacy --output report",
    ),
    "predict": (
        'predict training/mine/model-best --text "Anna Berg flew from Oslo to Paris."',
        "predict training/mine/model-best texts.txt --output entities.jsonl",
    ),
    "record": ("record training/mine/log.jsonl result.json metrics.json",),
    "render": ("render corpus/test.spacy metrics-predictions.spacy differences.html",),
    "package": ("package training/mine/model-best wheels --name ner_mine --version 1.0.0 --metrics metrics.json",),
    "test-package": ("test-package wheels corpus/test.spacy --pipeline training/mine/model-best",),
    "model-card": ("model-card training/mine/model-best metrics.json --name ner_mine --version 1.0.0",),
    "model-table": (
        "model-table small=metrics/small.json large=metrics/large.json --model small=training/small/model-best",
    ),
    "import-gliner": ("import-gliner urchade/gliner_small-v2.1 models/gliner_small",),
    "import-hf": ("import-hf dslim/bert-base-NER pipelines/bert",),
    "info": ("info training/mine/model-best", "info --anew"),
    "llm check": ("llm check http://127.0.0.1:8080/v1 --model qwen3",),
    "llm install": ("llm install smollm2",),
    "llm show": ("llm show training/llm 'Anna met Robert in Oslo.'",),
    "llm try": ("llm try training/llm corpus/dev.spacy --limit 50",),
    "llm estimate": ("llm estimate training/llm texts.jsonl",),
    "llm batch submit": (
        "llm batch submit training/llm texts.jsonl",
        "llm batch submit training/llm corpus/train.spacy --dry-run",
    ),
    "llm batch status": ("llm batch status training/llm",),
    "llm batch collect": ("llm batch collect training/llm",),
    "llm batch drop": ("llm batch drop training/llm batch_abc123",),
    "llm finetune": (
        "llm finetune corpus/train.spacy --dev corpus/dev.spacy --output training/smollm2",
        "llm finetune train.jsonl --base models/llama --method full --output training/llama --set batch_size=8",
    ),
    "llm gguf": (
        "llm gguf training/llama llama.gguf --type q8_0",
        "llm gguf training/smollm2 adapter.gguf --base smollm2",
    ),
    "llm export": (
        "llm export replies.sqlite --metric jaccard --min 0.5 --output train.jsonl --dev dev.jsonl",
        "llm export replies.sqlite --output corpus/good.spacy --exclude corpus/test.spacy",
    ),
    "llm jobs submit": (
        "llm jobs submit train.jsonl --base-url https://api.openai.com/v1 --model gpt-4o-mini-2024-07-18",
        "llm jobs submit train.jsonl --dev dev.jsonl --base-url http://127.0.0.1:8000/v1 --model base --epochs 2",
    ),
    "llm jobs status": ("llm jobs status train.jsonl",),
    "llm send-feedback": ("llm send-feedback replies.sqlite --base-url http://127.0.0.1:3000/openai/v1",),
    "llm tensorzero": (
        "llm tensorzero gateway --config configs/structured_llm_ner.cfg",
        "llm tensorzero gateway --config training/llm --function find_names",
    ),
    "llm feedback": (
        "llm feedback corpus/gold.spacy --store replies.sqlite",
        "llm feedback corpus/gold.spacy --store replies.sqlite --scores-alone",
        "llm feedback corpus/gold.spacy --store replies.sqlite --label-map labels.json",
    ),
    "llm variants": (
        "llm variants replies.sqlite --page variants.html",
        "llm variants replies.sqlite --metric jaccard --output variants.json",
    ),
    "llm store list": ("llm store list replies.sqlite --status invalid --status cut",),
    "llm store show": ("llm store show replies.sqlite 019ac0a1-5a4e",),
    "llm store drop": ("llm store drop replies.sqlite --status invalid",),
    "llm store export": (
        "llm store export replies.sqlite inferences.parquet",
        "llm store export postgresql://ann@db.example/team feedback.jsonl --table feedback",
    ),
}  # fmt: skip


def examples(command: str) -> str:
    """RETURNS (str): The end of a command's help, whose lines click leaves as they are."""
    lines = EXAMPLES[command]
    title = "Examples:" if len(lines) > 1 else "Example:"
    return "\n".join((title, "", "\b", *(f"    spacy-ner-plus {line}" for line in lines)))
