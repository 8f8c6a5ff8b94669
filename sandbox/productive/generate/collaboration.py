"""Task lists and todos, pages, discussions, comments, e-mails, files and surveys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.productive.generate.contacts import users
from sandbox.productive.generate.settings import ARCHIVED
from sandbox.productive.records import Ref
from sandbox.productive.timestamps import format_timestamp, local_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.json_types import Json
    from sandbox.productive.generate.builder import Draft, Row, WorldBuilder
    from sandbox.productive.records import Record, Related

DEPENDENCIES, TODOS, PAGES, VERSIONS, DISCUSSIONS, COMMENTS, EMAILS = 20, 40, 45, 45, 20, 60, 30
FILES, SURVEYS, ANSWERS = 20, 4, 20
INVOICE_FILE_EVERY = 7
"""Every seventh invoice has a file, whose id is the invoice's."""
TASK_LISTS = ("To do", "In progress", "Later")
SURVEY_FIELDS = (("Satisfaction", 2), ("Team", 3), ("Comment", 1))
FIELD_OPTIONS = 3


def make_collaboration(builder: WorldBuilder) -> None:
    """Make task lists first; files come after the rows they are attached to."""
    _make_lists(builder)
    _make_pages(builder)
    _make_messages(builder)
    _make_files(builder)
    _make_surveys(builder)


def _make_lists(builder: WorldBuilder) -> None:
    """Make a board, a folder of the same id (README 9: the same objects) and three task lists for each project."""
    projects, tasks, staff = builder.rows("projects"), builder.rows("tasks"), users(builder)
    for resource in ("boards", "folders"):
        builder.add_for_each(
            resource,
            projects,
            lambda draft, project: (
                {
                    "name": f"{project.text('name')} work",
                    "position": draft.number,
                    "placement": 1000 * draft.number,
                    "archived_at": draft.every(13, ARCHIVED),
                },
                {"project": project.ref},
            ),
        )
    for project in projects:
        for place in range(len(TASK_LISTS)):
            number = len(TASK_LISTS) * int(project.id) + place
            attributes: dict[str, Json] = {
                "name": TASK_LISTS[place],
                "position": place,
                "placement": 1000 * place,
                "archived_at": ARCHIVED if number % 20 == 0 else None,
            }
            owners: dict[str, Related] = {
                "project": project.ref,
                "board": Ref("boards", project.id),
                "folder": Ref("folders", project.id),
            }
            builder.add("task_lists", number, attributes, owners)
    pairs = [(tasks[2 * place], tasks[(2 * place + 1) % len(tasks)]) for place in range((len(tasks) + 1) // 2)]

    def dependency(draft: Draft, pair: tuple[Record, Record]) -> Row:
        """Return one side of a dependency; the two sides have consecutive ids: 1 blocks, 2 waits."""
        odd = draft.number % 2 == 1
        one, other = pair if odd else pair[::-1]
        author = int(draft.rng.choice(staff).id)
        return {"type_id": 1 if odd else 2, "creator_id": author, "updater_id": author, "account_id": 1}, {
            "task": one.ref,
            "dependent_task": other.ref,
            "reverse_dependency": Ref("task_dependencies", str(draft.number + 1 if odd else draft.number - 1)),
        }

    both = [pair for pair in pairs[: builder.count(DEPENDENCIES // 2)] for _ in range(2)]
    builder.add_for_each("task_dependencies", both, dependency)

    def todo(draft: Draft) -> Row:
        closed = draft.number % 3 == 0
        of_deal = draft.number % 8 == 0
        return {
            "description": builder.fake.sentence(),
            "closed": closed,
            "closed_at": format_timestamp(draft.updated) if closed else None,
            "due_date": draft.every(2, local_date(draft.updated).isoformat()),
            "position": draft.number,
            "todoable_type": "deal" if of_deal else "task",
        }, {
            "assignee": draft.rng.choice(staff).ref,
            "deal": draft.rng.choice(builder.rows("deals")).ref if of_deal else None,
            "task": None if of_deal else draft.rng.choice(tasks).ref,
        }

    builder.add_many("todos", TODOS, todo)


def _document(text: str) -> str:
    """Return a page's body: a JSON document inside a string (README 7)."""
    return json.dumps({"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]})


def _make_pages(builder: WorldBuilder) -> None:
    staff, projects = users(builder), builder.rows("projects")

    def page(draft: Draft) -> Row:
        root = (draft.number - 1) // 3 * 3 + 1
        child = root != draft.number
        project = projects[root % len(projects)]
        active = draft.created if draft.number % 3 else draft.updated
        return {
            "title": builder.fake.catch_phrase(),
            "body": _document(builder.fake.sentence()),
            "parent_page_id": root if child else None,
            "root_page_id": root if child else None,
            "edited_at": format_timestamp(draft.updated),
            # Null on some, and not updated by every write (README 0.2).
            "last_activity_at": None if draft.number % 10 == 0 else format_timestamp(active),
            "position": draft.number,
            "preferences": {"full_width": False},
            "version_number": draft.number % 5,
            "custom_fields": None,
        }, {
            "creator": draft.rng.choice(staff).ref,
            "project": project.ref,
            "parent_page": Ref("pages", str(root)) if child else None,
            "root_page": Ref("pages", str(root)) if child else None,
        }

    builder.add_many("pages", PAGES, page)
    pages = builder.rows("pages")
    builder.add_many(
        "page_versions",
        VERSIONS,
        lambda draft: (
            {
                "name": f"Version {draft.number}",
                "title_snapshot": pages[(draft.number - 1) % len(pages)].text("title"),
                "body_snapshot": pages[(draft.number - 1) % len(pages)].text("body"),
                "prosemirror_steps": [{"stepType": "replace", "from": 1, "to": 1}],
                "restored_from_version_id": None,
            },
            {"page": pages[(draft.number - 1) % len(pages)].ref, "person": draft.rng.choice(staff).ref},
        ),
    )

    def discussion(draft: Draft) -> Row:
        person = draft.rng.choice(staff)
        return {
            "excerpt": builder.fake.sentence(),
            "resolved_at": draft.every(3, format_timestamp(draft.updated)),
            "subscriber_ids": [person.integer("user_id")],
        }, {"page": draft.rng.choice(pages).ref}

    builder.add_many("discussions", DISCUSSIONS, discussion)


def _make_messages(builder: WorldBuilder) -> None:
    staff = users(builder)
    subjects: list[tuple[str, Sequence[Record]]] = [
        ("task", builder.rows("tasks")),
        ("task", builder.rows("tasks")),
        ("deal", builder.rows("deals")),
        ("discussion", builder.rows("discussions")),
        ("invoice", builder.rows("invoices")),
        ("company", builder.rows("companies")),
    ]

    def comment(draft: Draft) -> Row:
        side, rows = subjects[draft.number % len(subjects)]
        subject = draft.rng.choice(rows)
        pinned = draft.number % 15 == 0
        return {
            "body": f"<p>{builder.fake.sentence()}</p>",
            "commentable_type": side,
            "edited_at": draft.every(6, format_timestamp(draft.updated)),
            "draft": draft.number % 20 == 0,
            "pinned_at": format_timestamp(draft.updated) if pinned else None,
            "reactions": {"thumbs_up": [staff[0].integer("user_id")]} if draft.number % 4 == 0 else {},
            "version_number": 1,
        }, {
            side: subject.ref,
            "project": subject.one("project") if side in {"task", "deal"} else None,
            "creator": draft.rng.choice(staff).ref,
            "pinned_by": staff[0].ref if pinned else None,
        }

    def email(draft: Draft) -> Row:
        invoice = draft.rng.choice(builder.rows("invoices"))
        deal = draft.rng.choice(builder.rows("deals"))
        outgoing = draft.number % 2 == 0
        author = draft.rng.choice(staff)
        receivers = tuple(ref for ref in (author.ref,) if not outgoing)
        text = builder.fake.sentence()
        linked = invoice if outgoing else deal
        return {
            "subject": f"About {linked.type[:-1]} {linked.id}",
            "body": text,
            "body_html": f"<p>{text}</p>",
            "snippet": text[:40],
            "from": "billing@northwind.example" if outgoing else f"client{draft.number}@client.example",
            "email_recipients": [{"email": f"client{draft.number}@client.example", "type": "to"}],
            "outgoing": outgoing,
            "linked_id": int(linked.id),
            "linked_type": linked.type[:-1],
            "delivered_at": format_timestamp(draft.created) if outgoing else None,
            "received_at": None if outgoing else format_timestamp(draft.created),
            "dismissed_at": draft.every(9, format_timestamp(draft.updated)),
            "unread": draft.number % 5 == 0,
        }, {
            "creator": author.ref,
            "invoice": invoice.ref if outgoing else None,
            "deal": None if outgoing else deal.ref,
            "recipients": receivers,
            "to_recipients": receivers,
        }

    builder.add_many("comments", COMMENTS, comment)
    builder.add_many("emails", EMAILS, email)


def _make_files(builder: WorldBuilder) -> None:
    """Make files: those of invoices have the invoices' ids; those of other rows get the ids in between."""
    rng, staff = builder.rng("attachments"), users(builder)
    owners: list[tuple[int, str, Record]] = [
        (int(invoice.id), "invoice", invoice)
        for invoice in builder.rows("invoices")
        if int(invoice.id) % INVOICE_FILE_EVERY == 0
    ]
    free = [number for number in range(1, 2 * builder.count(FILES) + 2) if number % INVOICE_FILE_EVERY]
    for place, number in enumerate(free[: builder.count(FILES)]):
        side = ("task", "page", "comment", "expense")[place % 4]
        owners.append((number, side, rng.choice(builder.rows(f"{side}s"))))
    for number, side, owner in sorted(owners, key=lambda values: values[0]):
        name = f"{side}-{owner.id}.pdf"
        attributes: dict[str, Json] = {
            "name": name,
            "attachable_id": owner.id,
            "attachable_type": side,
            "content_type": "application/pdf",
            "size": rng.randrange(10_000, 900_000),
            "url": f"https://files.productive.example/attachments/{number}/{name}",
            "created_at": owner.attributes.get("created_at"),
        }
        builder.add("attachments", number, attributes, {side: owner.ref, "creator": rng.choice(staff).ref})
        if side in {"task", "page", "comment"}:
            owner.relationships["attachments"] = (*owner.all("attachments"), Ref("attachments", str(number)))
        elif side == "expense":
            owner.relationships["attachment"] = Ref("attachments", str(number))


def _make_surveys(builder: WorldBuilder) -> None:
    staff, projects = users(builder), builder.rows("projects")
    surveys = [Ref("surveys", str(number)) for number in range(1, builder.count(SURVEYS) + 1)]

    def fields_of(survey: Ref) -> range:
        first = (int(survey.id) - 1) * len(SURVEY_FIELDS) + 1
        return range(first, first + len(SURVEY_FIELDS))

    def options_of(survey: Ref) -> range:
        first = (int(survey.id) - 1) * FIELD_OPTIONS + 1
        return range(first, first + FIELD_OPTIONS)

    def survey(draft: Draft, ref: Ref) -> Row:
        return {
            "title": f"Survey {draft.number}",
            "description": draft.every(2, builder.fake.sentence()),
            "submission_access": "organization",
        }, {
            "creator": staff[0].ref,
            "updater": staff[0].ref,
            "project": draft.rng.choice(projects).ref,
            "survey_fields": tuple(Ref("survey_fields", str(number)) for number in fields_of(ref)),
        }

    def field(draft: Draft, values: tuple[Ref, str, int]) -> Row:
        ref, name, kind = values
        is_select = name == "Team"
        options = tuple(Ref("survey_field_options", str(number)) for number in options_of(ref))
        return {
            "name": name,
            "data_type_id": kind,
            "customizable_type": "survey_responses",
            "position": fields_of(ref).index(draft.number) + 1,
            "required": draft.number % 2 == 1,
            "show_in_add_edit_views": True,
        }, {"survey": ref, "options": options if is_select else ()}

    def answer(draft: Draft) -> Row:
        ref = draft.rng.choice(surveys)
        score, team, remark = fields_of(ref)
        return {
            "survey_fields": {
                str(score): draft.rng.randrange(1, 11),
                str(team): str(draft.rng.choice(options_of(ref))),
                str(remark): builder.fake.sentence(),
            }
        }, {"survey": ref, "creator": draft.rng.choice(staff).ref}

    builder.add_for_each("surveys", surveys, survey)
    builder.add_for_each("survey_fields", [(ref, name, kind) for ref in surveys for name, kind in SURVEY_FIELDS], field)
    builder.add_for_each(
        "survey_field_options",
        [(ref, place) for ref in surveys for place in range(FIELD_OPTIONS)],
        lambda draft, values: (
            {"name": f"Team {values[1] + 1}", "position": values[1] + 1, "color_id": str(draft.number)},
            # The select field is the second of its survey.
            {"survey_field": Ref("survey_fields", str(fields_of(values[0])[1]))},
        ),
    )
    builder.add_many("survey_responses", ANSWERS, answer)
