"""Numbers that workflows are given, such as limits and sizes of batches."""

from spacy_ner_plus.errors import Errors, UserError


def check_processes(n_process: int) -> None:
    """Refuse a number of processes that spaCy can't start: 1 or more, or -1 for one on each CPU.

    RAISES (UserError): For any other number.
    """
    if n_process < 1 and n_process != -1:
        raise UserError(Errors.E845.format(value=n_process))


def at_least(option: str, value: int | None, least: int) -> None:
    """Refuse a number that is too small; None passes.

    option (str): The argument's name, such as 'limit'.
    RAISES (UserError): Where the value is below the least.
    """
    if value is not None and value < least:
        raise UserError(Errors.E507.format(option=option, value=value, least=least))
