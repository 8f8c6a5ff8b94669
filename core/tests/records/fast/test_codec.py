"""Pages converted to messages: the fast path gives the same bytes as the slow path."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk.helpers._catalog import pop_deselected_record_properties
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.catalog import SelectionMask

from singer_rest_core.records import exact_json
from singer_rest_core.records.conform import RESCUED_DATA, Conformer
from singer_rest_core.records.fast import EncodedPage, PageCodec, RowFacts, row_types
from singer_rest_core.records.row_layout import FlatRows, ResourceRows, UnexpectedPage, envelope_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_rest_core.records.row_layout import RowLayout

_NOW = datetime(2026, 3, 1, 12, 30, 5, 123456, tzinfo=UTC)
_RESOURCES = ResourceRows(typed=frozenset({"b"}))
_SECRETS = frozenset({"secret", "c"})


class _World:
    """A stream, converted on both paths."""

    def __init__(
        self,
        properties: dict[str, Any],
        layout: RowLayout = _RESOURCES,
        *,
        deselected: frozenset[str] = frozenset(),
        replication_key: str | None = None,
    ) -> None:
        self.schema = {"type": "object", "properties": properties}
        self.layout = layout
        self.mask = SelectionMask({("properties", name): False for name in deselected})
        self.replication_key = replication_key
        self.fast_reports: list[tuple[str, str]] = []
        self.slow_reports: list[tuple[str, str]] = []
        self._slow = Conformer(self.schema, lambda *report: self.slow_reports.append(report))
        self.codec = PageCodec(
            "things",
            RowFacts(
                conformer=Conformer(self.schema, lambda *report: self.fast_reports.append(report)),
                layout=layout,
                selected=properties.keys() - deselected,
                secret_fields=_SECRETS,
                keys=("id",),
                replication_key=replication_key,
            ),
        )

    def fast(self, content: bytes, version: int | None = None) -> EncodedPage:
        return self.codec.encode(self.codec.decode(content).rows, version=version, extracted=_NOW)

    def slow(self, content: bytes, version: int | None = None) -> tuple[bytes, list[Any]]:
        lines = []
        values = []
        for row in rows_of(exact_json.decode(content), self.layout):
            flat = {name: value for name, value in self.layout.flat(row).items() if name not in _SECRETS}
            record = self._slow.conform(flat)
            values.append(record.get(self.replication_key or ""))
            pop_deselected_record_properties(record, self.schema, self.mask)
            message = RecordMessage("things", record, version=version, time_extracted=_NOW)
            lines.append(exact_json.encode(message.to_dict()) + b"\n")
        return b"".join(lines), values if self.replication_key else []

    def records(self, *rows: str) -> list[Any]:
        """The records of a page with these rows, the same on both paths."""
        content = f'{{"data":[{",".join(rows)}]}}'.encode()
        lines = b"".join(self.fast(content).pieces)
        assert lines == self.slow(content)[0]
        return [exact_json.decode(line)["record"] for line in lines.splitlines()]


_TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")
_FORMATS: st.SearchStrategy[dict[str, Any]] = st.sampled_from([{}, {}, {"format": "date-time"}, {"format": "date"}])
_USUAL = st.builds(
    lambda kind, form: {"type": [kind, "null"], **form}, st.sampled_from(_TYPES[:-1]), _FORMATS
)  # the properties of real schemas
_ODD = st.builds(
    lambda kinds, form: {"type": kinds, **form},
    st.lists(st.sampled_from(_TYPES), min_size=1, max_size=3, unique=True),
    _FORMATS,
)
_ENTRIES = st.recursive(
    st.one_of(_USUAL, _USUAL, _ODD, st.just({})),
    lambda inner: st.builds(lambda items: {"type": ["array", "null"], "items": items}, inner),
    max_leaves=3,
)
_NAMES = ["id", "a", "b", "c", "a_id", "a_ids", "b_id", "b_type", "c_id", "class", "not an identifier", "é"]
_PROPERTIES = st.tuples(st.dictionaries(st.sampled_from(_NAMES), _ENTRIES, max_size=8), st.booleans()).map(
    lambda drawn: {**drawn[0], **({RESCUED_DATA: {"type": ["object", "null"]}} if drawn[1] else {})}
)

_SCALARS = st.sampled_from(
    [
        *("null", "true", "false", "0", "-0", "5", "-7", "1.50", "-0.0", "1e3", "1E+2", "12.0", "1e400", "1e1001"),
        *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "1" * 60, "0.1" + "0" * 40),
        *('"x"', '""', '"é"', '"\\u00e9"', '"a\\nb"', '"5"', '"12.50"', '"007"', '"+1"', '" 1"', '"1E+2"', '"-0"'),
        *('"NaN"', '"Infinity"', '"1_0"', '"٣"', '"true"', '"True"', '"null"', '"\\ud83d\\ude00"'),
        *('"2025-07-25"', '"2025-02-30"', '"2025-07-2\\u0035"', '"2025-07-25T06:05:10.043+02:00"'),
        *('"2025-07-25T06:05:10Z"', '"2025-07-25T06:05:10.1234567Z"', '"2025-07-25T06:05:10"', '"2025-07-25 06:05z"'),
        *('"2025-07-25T06:05:10+05:30"', '"2025-07-25T24:00:00Z"', '"0001-01-01T00:30:00.5+01:00"'),
    ]
)
_RARE = st.sampled_from(['"a\\u0000b"', '"a\\ud800b"', "1e99999999999999999999", "1" * 5000, '"\\\\u0000"'])
_ANY_SCALAR = st.one_of(_SCALARS, _SCALARS, _SCALARS, _SCALARS, _SCALARS, _RARE)


def _array(items: list[str]) -> str:
    return f"[{', '.join(items)}]"


def _object(members: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}: {value}" for name, value in members) + "}"


_VALUES = st.recursive(
    _ANY_SCALAR,
    lambda inner: (
        st.lists(inner, max_size=3).map(_array)
        | st.lists(st.tuples(st.sampled_from(["x", "y", "\x00"]), inner), max_size=3).map(_object)
    ),
    max_leaves=4,
)
_FIELDS = st.lists(
    st.tuples(st.sampled_from([*_NAMES, "secret", "unknown", RESCUED_DATA]), _VALUES), max_size=8
)  # names may occur twice
_REFERENCES = st.one_of(
    st.builds(lambda own: _object([("type", '"things"'), ("id", own)]), st.sampled_from(['"7"', '"8"', "9", "null"])),
    st.sampled_from(['{"id":"3"}', '{"type":"things"}', '{"id":"4","type":5}', '"4"', "null"]),
)
_RELATIONSHIPS = st.one_of(
    st.sampled_from(
        ["{}", '{"data":null}', '{"meta":{"included":false}}', "null", "5", '{"data":[]}', '{"data":false}']
    ),
    _REFERENCES.map(lambda reference: _object([("data", reference)])),
    st.lists(_REFERENCES, max_size=2).map(lambda references: _object([("data", _array(references))])),
)
_INVALID = st.sampled_from(["5", "null", "[]", '"x"', "{}"])
_ROWS_OF_RESOURCES = st.builds(
    lambda own, attributes, relationships, more: _object(
        [("id", own), ("attributes", attributes), ("relationships", relationships), ("type", '"things"'), *more]
    ),
    st.one_of(st.sampled_from(['"1"', '"2"']), _VALUES),
    st.one_of(_FIELDS.map(_object), _FIELDS.map(_object), _FIELDS.map(_object), _INVALID),
    st.lists(st.tuples(st.sampled_from(["a", "b", "c", "unknown"]), _RELATIONSHIPS), max_size=4).map(_object),
    st.lists(st.tuples(st.sampled_from(["attributes", "relationships", "links"]), _INVALID), max_size=1),
)


def _pages(rows: st.SearchStrategy[str]) -> st.SearchStrategy[list[bytes]]:
    some = st.lists(st.one_of(rows, rows, rows, rows, rows, rows, rows, rows, _INVALID), max_size=4)
    return st.lists(some.map(lambda texts: f' {{"links": {{}}, "data": {_array(texts)}}}\n'.encode()), max_size=3)


def _result_or_error(read: Any, content: bytes) -> Any:  # noqa: ANN401 - the result, or the type of the error
    try:
        return read(content)
    except (exact_json.NotJson, UnexpectedPage) as error:
        return type(error)


def _both_paths_agree(world: _World, pages: Sequence[bytes]) -> None:
    for content in pages:
        fast = _result_or_error(world.fast, content)
        slow = _result_or_error(world.slow, content)
        if isinstance(fast, type) or isinstance(slow, type):
            assert fast is slow
            return
        lines, values = slow
        assert b"".join(fast.pieces) == lines
        assert fast.count == len(rows_of(exact_json.decode(content), world.layout))
        assert fast.replication_values == values
        assert sorted(world.fast_reports) == sorted(world.slow_reports)


@settings(max_examples=250, deadline=None)
@given(_PROPERTIES, st.frozensets(st.sampled_from([*_NAMES, RESCUED_DATA])), _pages(_ROWS_OF_RESOURCES))
def test_resources_give_the_same_messages_on_both_paths(
    properties: dict[str, Any], deselected: frozenset[str], pages: list[bytes]
) -> None:
    _both_paths_agree(_World(properties, deselected=deselected, replication_key="a"), pages)


@settings(max_examples=150, deadline=None)
@given(_PROPERTIES, st.frozensets(st.sampled_from([*_NAMES, RESCUED_DATA])), _pages(_FIELDS.map(_object)))
def test_flat_rows_give_the_same_messages_on_both_paths(
    properties: dict[str, Any], deselected: frozenset[str], pages: list[bytes]
) -> None:
    _both_paths_agree(_World(properties, FlatRows("data"), deselected=deselected, replication_key="a"), pages)


_SEVERAL_PAGES = _pages(_FIELDS.map(_object))


@settings(max_examples=100, deadline=None)
@given(_PROPERTIES, _SEVERAL_PAGES, st.sampled_from([b'{"data": %b}', b'{"data": %b, "links": null, "page": 1}']))
def test_nested_rows_give_the_same_messages_on_both_paths(
    properties: dict[str, Any], pages: list[bytes], wrapped: bytes
) -> None:
    layout = FlatRows("data", envelope=("links", "page"), inner="data")
    world = _World(properties, layout, replication_key="a")
    _both_paths_agree(world, [*pages, *(wrapped % page for page in pages)])


_INVOICES = {
    "id": {"type": "string"},
    "amount": {"type": ["integer", "null"]},
    "rate": {"type": ["number", "null"]},
    "paid_on": {"type": ["string", "null"], "format": "date"},
    "updated_at": {"type": ["string", "null"], "format": "date-time"},
    "company_id": {"type": ["string", "null"]},
    "line_ids": {"type": ["array", "null"], "items": {"type": "string"}},
    RESCUED_DATA: {"type": ["object", "null"]},
}


def _invoice(attributes: str = "", relationships: str = "", own: str = "1") -> str:
    return f'{{"id":"{own}","type":"invoices","attributes":{{{attributes}}},"relationships":{{{relationships}}}}}'


def test_a_resource_becomes_a_message() -> None:
    world = _World(_INVOICES, replication_key="updated_at")
    row = _invoice(
        '"updated_at":"2025-07-25T01:05:10.043+02:00","rate":"1.10","amount":5,"paid_on":"2025-07-25"',
        '"company":{"data":{"type":"companies","id":"3"}},"line":{"data":[{"type":"lines","id":"4"}]},"tax":{"meta":{}}',
    )
    page = world.codec.decode(f'{{"data":[{row}],"included":[{{}}],"links":{{"next":"/x"}},"meta":null}}'.encode())
    encoded = world.codec.encode(page.rows, version=7, extracted=_NOW)

    assert page.envelope == {"links": {"next": "/x"}}
    assert b"".join(encoded.pieces) == (
        b'{"type":"RECORD","stream":"things","record":{"id":"1","amount":5,"rate":1.10,"paid_on":"2025-07-25",'
        b'"updated_at":"2025-07-24T23:05:10.043Z","company_id":"3","line_ids":["4"],"_rescued_data":null},'
        b'"version":7,"time_extracted":"2026-03-01T12:30:05.123456Z"}\n'
    )
    assert encoded.replication_values == ["2025-07-24T23:05:10.043Z"]


def test_rows_with_drift_decode_once_the_types_have_learned_it() -> None:
    world = _World(_INVOICES)
    drifting = '"amount":"12","new":[1.50],"rate":{}'
    content = f'{{"data":[{_invoice()},{_invoice(drifting)},{_invoice(drifting)}]}}'.encode()

    assert [isinstance(row, dict) for row in world.codec.decode(content).rows] == [False, True, False]
    assert not any(isinstance(row, dict) for row in world.codec.decode(content).rows)
    records = world.records(_invoice(drifting), _invoice())
    assert [(record["amount"], record[RESCUED_DATA]) for record in records] == [
        (12, {"new": [Decimal("1.50")], "rate": {}}),
        (None, None),
    ]
    assert sorted(world.fast_reports) == [
        ("new", "is not in the schema"),
        ("rate", "is an object that does not fit a number"),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [("company_id", "1.5"), ("amount", "5.0"), ("paid_on", '"soon"'), ("line_ids", "[1.5]"), ("new", "null")],
)
def test_drift_takes_the_slow_path_only_once(name: str, value: str) -> None:
    world = _World(_INVOICES)
    row = _invoice(f'"{name}":{value}')
    world.records(row)
    assert not any(isinstance(each, dict) for each in world.codec.decode(f'{{"data":[{row}]}}'.encode()).rows)
    world.records(row)


def test_ever_new_names_widen_the_types_only_up_to_a_limit() -> None:
    world = _World(_INVOICES)
    for number in range(300):
        world.records(_invoice(f'"day {number}":{number}'))
    assert isinstance(
        world.codec.decode(f'{{"data":[{_invoice(chr(34) + "day 299" + chr(34) + ":1")}]}}'.encode()).rows[0], dict
    )
    assert world.fast_reports == world.slow_reports
    assert len(world.fast_reports) == 21


def test_beyond_the_limit_a_row_with_a_new_name_compiles_no_further_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    world = _World(_INVOICES)
    for number in range(150):
        world.records(_invoice(f'"day {number}":{number}'))

    compiled: list[object] = []
    for module in (exact_json, row_types):
        monkeypatch.setattr(module, "exact_decoder", compiled.append)
    (record,) = world.records(_invoice('"day 200":200,"amount":"7"'))

    assert compiled == []
    assert (record["amount"], record[RESCUED_DATA]) == (7, {"day 200": 200})


def test_checking_the_same_type_again_compiles_no_further_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    world = _World({"id": {"type": "string"}, "note": {"type": "string"}, "amount": {"type": "integer"}})
    row = _invoice('"note":"a\\u0000","amount":5')
    world.records(row)

    monkeypatch.setattr(exact_json, "exact_decoder", None)

    assert world.records(row) == [{"id": "1", "note": "a\ufffd", "amount": 5}]


def test_rows_keep_their_order_whichever_path_they_take() -> None:
    world = _World(_INVOICES, replication_key="updated_at")
    for number in range(100):
        world.records(_invoice(f'"day {number}":{number}'))
    attributes = ["", '"new name":1', '"day 3":1', '"another name":1', '"day 4":1', ""]
    rows = [_invoice(text, own=str(number)) for number, text in enumerate(attributes)]
    content = f'{{"data":[{",".join(rows)}]}}'.encode()

    page = world.codec.decode(content)
    assert world.codec.ids(page.rows) == list("012345")
    assert len({type(row) for row in page.rows}) > 1
    assert [record["id"] for record in world.records(*rows)] == list("012345")


def test_an_unknown_relationship_is_rescued_only_if_it_has_data() -> None:
    world = _World(_INVOICES)
    records = world.records(
        _invoice("", '"tax":{"data":{"type":"taxes","id":"9"}},"tags":{"data":[]}'),
        _invoice("", '"tax":{"data":null},"tags":{"meta":{"included":false}}'),
    )
    assert [record[RESCUED_DATA] for record in records] == [{"tags_ids": [], "tax_id": "9"}, None]


def test_ids_are_as_the_api_sent_them_on_both_paths() -> None:
    world = _World({"id": {"type": "string"}, "amount": {"type": "integer"}})
    content = f'{{"data":[{_invoice(own="b")},{_invoice(chr(34) + "amount" + chr(34) + ":{}", own="a")},{{"id":7}}]}}'
    page = world.codec.decode(content.encode())
    assert world.codec.ids(page.rows) == ["b", "a", 7]


def test_ids_of_several_columns_are_tuples() -> None:
    properties = {"day": {"type": "string", "format": "date"}, "n": {"type": "integer"}}
    facts = RowFacts(Conformer({"properties": properties}, print), FlatRows(None), {"n"}, keys=("day", "n"))
    codec = PageCodec("days", facts)
    page = codec.decode(b'[{"day":"2025-07-25","n":1},{"n":"2"}]')
    assert codec.ids(page.rows) == [("2025-07-25", 1), (None, "2")]
    lines = b"".join(codec.encode(page.rows, version=None, extracted=_NOW).pieces)
    assert [exact_json.decode(line)["record"] for line in lines.splitlines()] == [{"n": 1}, {"n": 2}]


def test_some_rows_of_a_page_can_be_encoded() -> None:
    world = _World(_INVOICES)
    page = world.codec.decode(f'{{"data":[{_invoice(own="1")},{_invoice(own="2")}]}}'.encode())
    encoded = world.codec.encode(page.rows[1:], version=None, extracted=_NOW)
    lines = b"".join(encoded.pieces)
    assert (encoded.count, lines.count(b'"id":"2"'), lines.count(b"\n")) == (1, 1, 1)


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b'{"data":[{"id":"1"}', b'{"data":[{"id":"1","attributes":{"a":01}}]}']
)
def test_invalid_json_is_refused(content: bytes) -> None:
    with pytest.raises(exact_json.NotJson):
        _World(_INVOICES).codec.decode(content)


@pytest.mark.parametrize("content", [b"{}", b"[]", b"5", b'{"data":{}}', b'{"data":null}'])
def test_a_page_without_a_list_is_refused(content: bytes) -> None:
    with pytest.raises(UnexpectedPage, match=r"^without a list under `data`"):
        _World(_INVOICES).codec.decode(content)


_WRAPPED = FlatRows("things", envelope=("current_page", "total"), inner="data")


@pytest.mark.parametrize(
    ("content", "envelope"),
    [
        (b'{"things": [{"id": "1"}]}', {}),
        (b'{"things": [{"id": "1"}], "total": 1, "x": 2}', {"total": 1}),
        (b'{"things": {"data": [{"id": "1"}], "current_page": 3, "total": null}, "total": 9}', {"current_page": 3}),
        (b'{"things": {"total": 1.50, "data": [{"id": "1\\u0000"}]}}', {"total": Decimal("1.50")}),
    ],
)
def test_nested_rows_have_their_siblings_as_envelope(content: bytes, envelope: dict[str, Any]) -> None:
    page = _World({"id": {"type": "string"}}, _WRAPPED).codec.decode(content)

    assert len(page.rows) == 1
    assert page.envelope == envelope
    assert envelope_of(exact_json.decode(content), _WRAPPED) == envelope


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"error": 1, "no\\nwords": 2}', "without a list under `things`; it contains: 'error', 'no\\\\nwords'"),
        (b'{"things": {"items": []}}', "without a list under `things`; it contains: 'items'"),
        (b'{"things": null}', "without a list under `things`; it contains: 'things'"),
        (b"[]", "without a list under `things`"),
    ],
)
def test_a_page_without_its_list_is_refused_with_the_names_it_contains(content: bytes, words: str) -> None:
    with pytest.raises(UnexpectedPage, match=f"^{words}$"):
        _World({"id": {"type": "string"}}, _WRAPPED).codec.decode(content)


@pytest.mark.parametrize(
    "row",
    [
        "5",
        "null",
        "[]",
        '{"id":"1","relationships":{"a":{"data":{"type":"x"}}}}',
        '{"attributes":"x"}',
    ],
)
def test_a_row_that_is_not_a_resource_is_refused(row: str) -> None:
    world = _World(_INVOICES)
    page = world.codec.decode(f'{{"data":[{row}]}}'.encode())
    with pytest.raises(UnexpectedPage, match="not a resource object"):
        world.codec.encode(page.rows, version=None, extracted=_NOW)


@pytest.mark.parametrize(
    ("row", "key", "rescued"),
    [
        ('{"id":"1","attributes":{"id":"7"}}', "1", {"attributes.id": "7"}),
        ('{"id":"1","attributes":{"id":7}}', "1", {"attributes.id": 7}),
        ('{"id":1,"attributes":{"id":{"a":1.50}}}', "1", {"attributes.id": {"a": Decimal("1.50")}}),
        ('{"id":"1","attributes":{"id":"1"}}', "1", None),
        ('{"id":"1","attributes":{"id":1}}', "1", None),
        ('{"id":"1","attributes":{"id":null}}', "1", None),
        ('{"attributes":{"id":"7"}}', "7", None),
        ('{"id":null,"attributes":{"id":7}}', "7", None),
    ],
)
def test_an_attribute_named_id_does_not_replace_the_id_of_its_resource(
    row: str, key: str, rescued: dict[str, Any] | None
) -> None:
    world = _World(_INVOICES)
    content = f'{{"data":[{row},{_invoice(own="2")}]}}'.encode()

    for _ in range(2):  # types are wider the second time
        assert [str(each) for each in world.codec.ids(world.codec.decode(content).rows)] == [key, "2"]
        records = world.records(row, _invoice(own="2"))
        assert [(each["id"], each[RESCUED_DATA]) for each in records] == [(key, rescued), ("2", None)]
    assert world.fast_reports == world.slow_reports


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"errors":[{"status":"403","title":"Access Denied","detail":"No."}]}', "with an error: Access Denied: No"),
        ('{"data":[],"errors":[{"detail":"Half of\\nit failed"}]}', "with an error: Half of it failed"),
        ('{"data":[{"id":"1"}],"errors":[{"code":"no_person"}]}', "with an error: no_person"),
        ('{"data":null,"errors":[{"status":"500"}]}', "with an error: no reason given"),
    ],
)
def test_a_document_of_errors_is_refused_in_the_words_of_the_api(body: str, words: str) -> None:
    with pytest.raises(UnexpectedPage, match=f"^{words}$"):
        _World(_INVOICES).codec.decode(body.encode())
    with pytest.raises(UnexpectedPage, match=f"^{words}$"):
        rows_of(exact_json.decode(body.encode()), _RESOURCES)


@pytest.mark.parametrize("errors", ["[]", "null"])
def test_a_page_that_names_no_error_is_a_page(errors: str) -> None:
    assert len(_World(_INVOICES).codec.decode(f'{{"data":[{_invoice()}],"errors":{errors}}}'.encode()).rows) == 1


@pytest.mark.parametrize("damage", ['"\\u0000"', '"\\ud800"'])
def test_an_envelope_is_kept_with_characters_that_no_database_accepts_replaced(damage: str) -> None:
    world = _World(_INVOICES)
    page = world.codec.decode(f'{{"data":[{_invoice()}],"meta":{{"x":{damage}}}}}'.encode())
    assert page.envelope == {"meta": {"x": "\ufffd"}}


@pytest.mark.parametrize(
    ("values", "needed"),
    [
        ([], []),
        (["1Z"], ["1Z", "1Z"]),
        (["1Z", "1Z", None, "2Z", "3Z"], ["1Z", "3Z"]),
        (["1Z", "3Z", "2Z"], ["1Z", "3Z", "2Z"]),
        (["1Z", "20Z", "3Z"], ["1Z", "20Z", "3Z"]),
        (["2025-01-01", "2025-01-02", "2025-01-03"], ["2025-01-01", "2025-01-02", "2025-01-03"]),
    ],
)
def test_a_bookmark_sees_two_values_of_an_ordered_page(values: list[str | None], needed: list[str]) -> None:
    assert EncodedPage([], len(values), values, before=0, after=0).bookmark_values == needed


def test_usual_relationships_are_decoded_from_the_first_row_on() -> None:
    row = _invoice("", '"company":{"data":{"type":"companies","id":"3"}},"line":{"data":[{"type":"lines","id":"4"}]}')
    content = f'{{"data":[{row},{row}]}}'.encode()
    learning = _World(_INVOICES)
    knowing = _World(_INVOICES, ResourceRows(usual=frozenset({"company", "line"})))

    assert [isinstance(each, dict) for each in learning.codec.decode(content).rows] == [True, False]
    assert [isinstance(each, dict) for each in knowing.codec.decode(content).rows] == [False, False]
    assert (
        b"".join(learning.fast(content).pieces) == b"".join(knowing.fast(content).pieces) == learning.slow(content)[0]
    )


def test_a_relationship_that_differs_from_its_column_takes_the_slow_path_only_once() -> None:
    world = _World(_INVOICES, ResourceRows(usual=frozenset({"company"})))
    several = _invoice("", '"company":{"data":[{"type":"companies","id":"3"},{"type":"companies","id":"5"}]}')
    content = f'{{"data":[{several}]}}'.encode()

    (record,) = world.records(several)
    assert (record["company_id"], record[RESCUED_DATA]) == (None, {"company_ids": ["3", "5"]})
    assert not isinstance(world.codec.decode(content).rows[0], dict)
    assert world.records(several) == [record]
