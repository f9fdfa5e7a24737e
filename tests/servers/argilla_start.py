"""Starts a real argilla-server, by the Python of its own environment: `python argilla_start.py PORT`.

Elasticsearch's place is taken by a search engine in memory, which the server's own `register` lets in; its page finds
records by it, and the API of reviews doesn't ask it. Jobs, which would wait in Redis, only count how far a dataset is.
"""

import sys
from typing import Any, ClassVar

import rq
import uvicorn
from argilla_server import _app, app
from argilla_server.search_engine.base import (
    SearchEngine,
    SearchResponseItem,
    SearchResponses,
    TermsMetrics,
)


@SearchEngine.register("memory")
class InMemory(SearchEngine):
    records: ClassVar[dict[Any, dict[Any, None]]] = {}

    @classmethod
    async def new_instance(cls) -> "InMemory":
        return cls()

    async def ping(self) -> bool:
        return True

    async def info(self) -> dict[str, str]:
        return {"name": "memory"}

    async def index_records(self, dataset: Any, records: Any) -> None:
        self.records.setdefault(dataset.id, {}).update((record.id, None) for record in records)

    async def delete_records(self, dataset: Any, records: Any) -> None:
        for record in records:
            self.records.get(dataset.id, {}).pop(record.id, None)

    async def delete_index(self, dataset: Any) -> None:
        self.records.pop(dataset.id, None)

    async def get_dataset_progress(self, dataset: Any) -> dict[str, int]:
        return {"total": len(self.records.get(dataset.id, {}))}

    async def get_dataset_user_progress(self, dataset: Any, user: Any) -> dict[str, int]:
        return await self.get_dataset_progress(dataset)

    async def search(
        self,
        dataset: Any,
        query: Any = None,
        filter: Any = None,
        sort: Any = None,
        offset: int = 0,
        limit: int = 100,
    ) -> SearchResponses:
        every = list(self.records.get(dataset.id, {}))
        items = [SearchResponseItem(record_id=record) for record in every[offset : offset + limit]]
        return SearchResponses(items=items, total=len(every))

    async def compute_metrics_for(self, metadata_property: Any) -> TermsMetrics:
        return TermsMetrics(total=0)

    async def similarity_search(self, *_: Any, **__: Any) -> SearchResponses:
        return SearchResponses(items=[], total=0)

    async def _nothing(self, *_: Any, **__: Any) -> None:
        pass

    close = create_index = configure_metadata_property = partial_record_update = _nothing
    update_record_response = delete_record_response = _nothing
    update_record_suggestion = delete_record_suggestion = _nothing


rq.Queue.enqueue_call = lambda *_, **__: None
_app.configure_redis = lambda: None
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
