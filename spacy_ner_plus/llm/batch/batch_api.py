"""A server's endpoints for batches, as OpenAI documents them: each call is repeated where that is safe."""

from typing import Any, BinaryIO
from urllib.parse import quote

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.batch.files_api import CallFailed, FilesAPI, told

# Where each request of a batch goes, as its lines and the batch itself say it.
COMPLETIONS = "/v1/chat/completions"
# Under which a batch carries the name that we gave it, so that it is found again.
NAME = "spacy_ner_plus"


class BatchAPI(FilesAPI):
    """Asks one server about files and batches. Nothing is sent before the first call.

    settings (ChatSettings): Of the chat model: its address, key and how often an attempt is repeated.
    """

    needs = "files and batches"

    def create(self, name: str, file_id: str, window: str) -> dict[str, Any]:
        """Create a batch, once: where the answer is lost, it is looked for before it is created again.

        name (str): What it is called, by which it is found.
        file_id (str): Of its requests.
        window (str): Within which it is to be answered, such as '24h'.
        RETURNS (dict[str, Any]): The batch, as the server describes it.
        RAISES (UserError): Where the server doesn't create it, or it can't be found out whether it did.
        """
        wanted = {
            "input_file_id": file_id,
            "endpoint": COMPLETIONS,
            "completion_window": window,
            "metadata": {NAME: name},
        }

        def create() -> dict[str, Any]:
            try:
                return self.post_json("batches", "the batch", wanted)
            except CallFailed as failure:
                if failure.may_be_done and (found := self.find(name, file_id)):
                    return found
                # Some servers need a moment until they know a file that they have taken.
                failure.names_file = file_id in str(failure)
                raise

        with told():
            return self.repeated(create)

    def batch(self, id: str) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): A batch, as the server describes it.

        RAISES (NotFound): Where it knows none with this id.
        RAISES (UserError): Where it doesn't say.
        """
        with told(or_unknown=True):
            return self.repeated(lambda: self.ask_json("GET", f"batches/{quote(id, safe='')}", "the batch"))

    def find(self, name: str, file_id: str) -> dict[str, Any] | None:
        """RETURNS (dict[str, Any] | None): The batch that has this name or was made of this file; None for none.

        RAISES (UserError): Where the server doesn't list its batches.
        """
        try:
            for batch in self.list_all("batches"):
                if (batch.get("metadata") or {}).get(NAME) == name or batch.get("input_file_id") == file_id:
                    return batch
        except CallFailed as failure:
            raise UserError(Errors.E690.format(url=self.url, name=name, reason=failure)) from None
        return None

    def download(self, file_id: str, target: BinaryIO) -> None:
        """Write a file's content to another one.

        RAISES (NotFound): Where the server has no such file.
        RAISES (UserError): Where it doesn't come.
        """

        def download() -> None:
            target.seek(0)
            target.truncate()
            path = f"files/{quote(file_id, safe='')}/content"
            self.send("GET", path, "the replies", read=target.write)

        with told(or_unknown=True):
            self.repeated(download)
