"""Runs alone in a new environment: loads a packaged pipeline by name, with no network.

Arguments: the package's name, a JSON file of texts, and where to write what was found.
"""

import json
import socket
import sys


def refuse(*args, **kwargs):
    raise OSError("the network is blocked while the package is tested")


def main(name, texts_path, output_path):
    socket.socket.connect = socket.socket.connect_ex = socket.socket.bind = refuse
    socket.create_connection = socket.getaddrinfo = refuse

    import spacy

    import spacy_ner_plus

    with open(texts_path, encoding="utf8") as file:
        texts = json.load(file)
    nlp = spacy.load(name)
    ents = [[[ent.start_char, ent.end_char, ent.label_] for ent in doc.ents] for doc in nlp.pipe(texts)]
    found = {"ents": ents, "package": spacy_ner_plus.__file__, "requirements": nlp.meta["requirements"]}
    with open(output_path, "w", encoding="utf8") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
