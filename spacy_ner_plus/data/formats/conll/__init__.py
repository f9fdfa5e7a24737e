"""CoNLL files: `conll` reads and writes them; the others are its parts."""
