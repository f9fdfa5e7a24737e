"""A server's endpoints for fine-tuning, as OpenAI documents them: https://platform.openai.com/docs/api-reference/fine-tuning"""

from collections.abc import Mapping
from itertools import islice
from typing import Any
from urllib.parse import quote

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.batch.files_api import CallFailed, FilesAPI, told

# What files of training data are uploaded for.
PURPOSE = "fine-tune"
# Under which a job carries the name that we gave it, so that it is found again.
NAME = "spacy_ner_plus"
JOBS = "fine_tuning/jobs"


class FineTuningAPI(FilesAPI):
    """Asks one server about files and fine-tuning jobs. Nothing is sent before the first call.

    settings (ChatSettings): Its address and key; `name` is the model that is tuned.
    """

    needs = "files and fine-tuning"
    page = "docs/learning_loop.md"

    def create(self, name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Create a job, once: where the answer is lost, it is looked for before it is created again.

        name (str): What it is called, by which it is found.
        wanted (Mapping[str, Any]): `model`, `training_file` and what else it has.
        RETURNS (dict[str, Any]): The job, as the server describes it.
        RAISES (UserError): Where the server doesn't create it, or it can't be found out whether it did.
        """

        def create() -> dict[str, Any]:
            try:
                return self.post_json(JOBS, "the job", {**wanted, "metadata": {NAME: name}})
            except CallFailed as failure:
                if failure.may_be_done and (found := self.find(name, wanted["training_file"])):
                    return found
                # Some servers need a moment until they know a file that they have taken.
                failure.names_file = wanted["training_file"] in str(failure)
                raise

        with told():
            return self.repeated(create)

    def find(self, name: str, file_id: str) -> dict[str, Any] | None:
        """RETURNS (dict[str, Any] | None): The job that has this name or was made of this file; None for none.

        RAISES (UserError): Where the server doesn't list its jobs.
        """
        try:
            for job in self.list_all(JOBS):
                if (job.get("metadata") or {}).get(NAME) == name or job.get("training_file") == file_id:
                    return job
        except CallFailed as failure:
            raise UserError(Errors.E856.format(url=self.url, name=name, reason=failure)) from None
        return None

    def job(self, id: str) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): A job, as the server describes it.

        RAISES (NotFound): Where it knows none with this id.
        RAISES (UserError): Where it doesn't say.
        """
        with told(or_unknown=True):
            return self.repeated(lambda: self.ask_json("GET", f"{JOBS}/{quote(id, safe='')}", "the job"))

    def events(self, id: str, most: int) -> list[str]:
        """RETURNS (list[str]): What the server says of a job's course, newest first; nothing where it says nothing."""
        try:
            found = islice(self.list_all(f"{JOBS}/{quote(id, safe='')}/events"), most)
            return [str(event.get("message") or "") for event in found]
        except CallFailed:
            # A server may have jobs and no events, which are for people to read.
            return []
