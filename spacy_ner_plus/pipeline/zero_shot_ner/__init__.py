"""The component `zero_shot_ner`: entities of kinds that are named when it runs, by GLiNER and GLiNER2."""
