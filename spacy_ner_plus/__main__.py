from spacy_ner_plus.cli import main

if __name__ == "__main__":
    main()
