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


class Warnings(metaclass=_Coded):
    """Warning texts under stable codes, numbered as `Errors` is."""
