"""What an extra of this package brings, imported where it is needed: core installs do without."""

from typing import Self

from spacy_ner_plus.errors import Errors, UserError


class from_extra:
    """A block that imports packages of an extra; where they aren't installed, the message names it.

    A house test compares each such block with setup.cfg.

    extra (str): Its name, as in pip install 'spacy-ner-plus[NAME]'.
    RAISES (UserError): Where an import fails.
    """

    __slots__ = ("extra",)

    def __init__(self, extra: str):
        self.extra = extra

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: object) -> None:
        if not isinstance(error, ImportError):
            return
        if isinstance(error, ModuleNotFoundError) and error.name:
            package = error.name.partition(".")[0]
            raise UserError(Errors.E540.format(package=package, extra=self.extra)) from None
        reason = str(error).strip() or type(error).__name__
        raise UserError(Errors.E541.format(reason=reason.splitlines()[0], extra=self.extra)) from error


def check_installed(module: str, extra: str) -> None:
    """Find out before a long run whether an import is going to succeed.

    module (str): What will be imported.
    extra (str): What brings it.
    RAISES (UserError): Where it isn't installed.
    """
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise UserError(Errors.E540.format(package=module, extra=extra))
