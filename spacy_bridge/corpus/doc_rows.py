"""Converts docs to rows of a Parquet file."""

import io
from typing import Any, Dict, List, Sequence

from spacy.tokens import Doc

from spacy_bridge.corpus.parquet import pyarrow


def parquet_of(docs: Sequence[Doc]) -> bytes:
    """Returns a Parquet file with one row per doc: its words, and lists of annotation.

    `heads` are places in the doc, of a root its own; `entities` and `spans` have places of the first
    word and of the one after the last. What a pipeline does not annotate is null.
    """
    arrow = pyarrow()
    words, numbers = arrow.list_(arrow.string()), arrow.list_(arrow.int32())
    place = [("start", arrow.int32()), ("end", arrow.int32()), ("label", arrow.string())]
    schema = arrow.schema(
        [
            ("text", arrow.string()),
            ("words", words),
            ("tags", words),
            ("pos", words),
            ("heads", numbers),
            ("deps", words),
            ("entities", arrow.list_(arrow.struct(place))),
            ("spans", arrow.list_(arrow.struct([("group", arrow.string()), *place]))),
        ]
    )
    table = arrow.Table.from_pylist([_row(doc) for doc in docs], schema)
    buffer = io.BytesIO()
    arrow.parquet.write_table(table, buffer)
    return buffer.getvalue()


def _row(doc: Doc) -> Dict[str, Any]:
    parsed = doc.has_annotation("DEP")
    has_entities = doc.has_annotation("ENT_IOB")
    spans: List[Dict[str, Any]] = [
        {"group": group, **_place(span)} for group, found in doc.spans.items() for span in found
    ]
    return {
        "text": doc.text,
        "words": [token.text for token in doc],
        "tags": [token.tag_ for token in doc] if doc.has_annotation("TAG") else None,
        "pos": [token.pos_ for token in doc] if doc.has_annotation("POS") else None,
        "heads": [token.head.i for token in doc] if parsed else None,
        "deps": [token.dep_ for token in doc] if parsed else None,
        "entities": [_place(span) for span in doc.ents] if has_entities else None,
        "spans": spans if len(doc.spans) else None,
    }


def _place(span: Any) -> Dict[str, Any]:
    return {"start": span.start, "end": span.end, "label": span.label_}
