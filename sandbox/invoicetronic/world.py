"""The generated rows of one environment: an accounting office with its clients' sent and received invoices."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, TypeVar

from typing_extensions import override

from sandbox.clock import TICK, WORLD_START
from sandbox.invoicetronic.fatturapa import Plan, invoice
from sandbox.invoicetronic.fatturapa.draw import Draw
from sandbox.invoicetronic.fatturapa.parties import buyer, company, seller
from sandbox.invoicetronic.resources import RESOURCES
from sandbox.invoicetronic.timestamps import format_timestamp, midnight
from sandbox.tables import World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.clock import Clock
    from sandbox.invoicetronic.fatturapa import GeneratedInvoice, Party
    from sandbox.invoicetronic.fatturapa.facts import Format
    from sandbox.invoicetronic.resources import Row
    from sandbox.json_types import JsonObject

T = TypeVar("T")

USER_ID = 7
API_KEY_ID = 3
API_VERSION = 1
NEWEST_VERSION = 90_000

COMPANIES = 12
INVOICES = 450
"""The number of sent invoices and of received ones: three pages of 200 each."""
LOGGED = 320
DELIVERIES = 260
WEBHOOKS = 5
SUBKEYS = 3
WITHDRAWN_KEY = 2

HISTORY = timedelta(days=640)
"""The age of the first invoice."""
RETENTION = timedelta(days=15)
"""How long logs and webhook deliveries are kept, as documented."""

IN_FLIGHT = 12
"""The number of newest sent invoices without an update from the SDI."""
UNREAD = 60
"""The number of newest received invoices, which are unread."""

PUBLIC_CLIENT = 2
"""The number of the company that is a public office."""
SHARED_SECOND_EVERY = 20
"""Every 20th row is created in the same second as the one before."""
LOTTO_EVERY = 15
"""Every 15th file is a lotto: several documents in one file."""

FRACTIONS_SHARE = 0.15
LATE_SHARE = 0.08
"""The share of received invoices that were held until their company existed: created long after their date."""

PRIVATE_ENDINGS = ("Consegnato",) * 8 + ("ImpossibilitaDiRecapito", "Scartato")
PUBLIC_ENDINGS = (
    "AccettatoDalDestinatario",
    "AccettatoDalDestinatario",
    "RifiutatoDalDestinatario",
    "DecorrenzaTermini",
    "AttestazioneTrasmissioneFattura",
    "Scartato",
)
REJECTED = "Scartato"
DESCRIPTIONS = {
    "Inviato": "Fattura inviata al Sistema di Interscambio",
    "Consegnato": "Fattura consegnata al destinatario",
    "NonConsegnato": "Fattura non consegnata al destinatario",
    "Scartato": "Errore nel file XML",
    "AccettatoDalDestinatario": "Fattura accettata dal destinatario",
    "RifiutatoDalDestinatario": "Fattura rifiutata dal destinatario",
    "ImpossibilitaDiRecapito": "Impossibilità di recapito: la fattura è nel cassetto fiscale",
    "DecorrenzaTermini": "Decorrenza dei termini senza risposta",
    "AttestazioneTrasmissioneFattura": "Attestazione di avvenuta trasmissione",
}
SDI_ERROR = {
    "code": "00200",
    "description": "File non conforme al formato FatturaPA",
    "hint": "Verificare la struttura XML",
}
EVENTS = ("send.add", "receive.add", "update.add")


class InvoicetronicWorld(World):
    """Generates the rows of one environment."""

    keys = dict.fromkeys(RESOURCES, "id")

    def __init__(self, clock: Clock, seed: int | str, scale: float) -> None:
        """Generate rows from `seed`; at scale 1, `INVOICES` sent and as many received ones."""
        self._clock = clock
        self._seed = seed
        self._scale = scale
        self._invoices = self._count(INVOICES, IN_FLIGHT * 2)
        self._companies = [self._party(number) for number in range(1, self._count(COMPANIES, 3) + 1)]

    @override
    def rows(self) -> Mapping[str, Sequence[JsonObject]]:
        sent = [self._sent(number) for number in range(1, self._invoices + 1)]
        received = [self._received(number) for number in range(1, self._invoices + 1)]
        for row in received[-UNREAD:]:
            row["is_read"] = False
        return {
            "company": [self._company(number) for number in range(1, len(self._companies) + 1)],
            "send": sent,
            "receive": received,
            "update": self._updates(sent),
            "log": [self._logged(number) for number in range(1, self._count(LOGGED, 5) + 1)],
            "webhook": [self._webhook(number) for number in range(1, WEBHOOKS + 1)],
            "webhookhistory": [self._delivery(number) for number in range(1, self._count(DELIVERIES, 5) + 1)],
            "subkey": [self._subkey(number) for number in range(1, SUBKEYS + 1)],
        }

    @override
    def new_row(self, resource: str, number: int) -> JsonObject:
        """Return a row created now: an invoice is unread, or unknown to the SDI."""
        # A logged request is not a change of the world, so it does not move the world's time.
        now = format_timestamp(self._clock.now if resource == "log" else self._clock.tick(), number)
        makers = {
            "company": self._company,
            "send": self._sent,
            "receive": self._received,
            "log": self._logged,
            "webhook": self._webhook,
            "webhookhistory": self._delivery,
            "subkey": self._subkey,
        }
        if resource == "update":
            return self._update(number, self._sent(1), "Inviato", now)
        row = {**makers[resource](number), "created": now, "version": NEWEST_VERSION}
        if resource == "send":
            row.update(last_update=None, date_sent=None, identifier=None, latest_state=None)
        if resource == "receive":
            row.update(is_read=False)
        if "date_time" in row:
            row["date_time"] = now
        return row

    @override
    def changed_on_update(self, resource: str) -> JsonObject:
        """Return a version higher than all before; `created` and `last_update` do not move with it."""
        return {"version": NEWEST_VERSION + (self._clock.tick() - WORLD_START) // TICK}

    def generated_invoice(self, resource: str, number: int) -> GeneratedInvoice:
        """Return the file of an invoice, the same one every time."""
        return invoice(f"{self._seed}:{resource}:{number}", self._plan(resource, number))

    def _count(self, at_scale_one: int, least: int) -> int:
        return max(least, round(at_scale_one * self._scale))

    def _draw(self, subject: str, number: int) -> Draw:
        return Draw(f"{self._seed}:{subject}:{number}", 0.5)

    def _party(self, number: int) -> Party:
        """Return a client. The second one is a public office, which receives FPA12."""
        draw = self._draw("party", number)
        return buyer(draw, public=True) if number == PUBLIC_CLIENT else company(draw)

    def _created(self, number: int) -> datetime:
        """Return when a row was created: in order, sometimes two at once, the last a few minutes ago."""
        share = min((number - (number % SHARED_SECOND_EVERY == 0)) / self._invoices, 1)
        return (WORLD_START - HISTORY * (1 - share) - timedelta(minutes=7)).replace(microsecond=0)

    def _plan(self, resource: str, number: int) -> Plan:
        """Return the plan of an invoice's file, which also determines the fields of its row."""
        draw = self._draw(f"{resource}:plan", number)
        client_number = self._client(resource, number)
        client = self._companies[client_number - 1]
        public = client_number == PUBLIC_CLIENT if resource == "receive" else draw.maybe(0.25)
        format_: Format = "FPA12" if public else draw.one_of(("FPR12", "FPR12", "FPR12", "FSM10"))
        created = self._created(number)
        days = draw.integer(20, 60) if self._is_late(resource, number) else draw.integer(0, 4)
        day = (created - timedelta(days=days)).date()
        series = draw.one_of(("FV", "A", "2", "PA"))
        return Plan(
            format=format_,
            seller=client if resource == "send" else seller(draw),
            buyer=buyer(draw, public=public) if resource == "send" else client,
            documents=tuple(
                (f"{series}-{day.year}/{number:04}{'' if part == 0 else f'-{part}'}", day)
                for part in range(draw.integer(2, 4) if number % LOTTO_EVERY == 0 else 1)
            ),
            progressive=f"{number:05}",
            charset=draw.one_of(("utf-8", "utf-8", "utf-8", "utf-8-sig", "windows-1252")),
            wrapping=draw.one_of(("none", "none", "none", "none", "none", "none", "der", "ber", "base64")),
            richness=draw.integer(0, 6) / 10,
        )

    def _client(self, resource: str, number: int) -> int:
        """Return the number of an invoice's client: the first ones have most; the public office only receives."""
        draw = self._draw(f"{resource}:client", number)
        chosen = min(draw.integer(1, len(self._companies)), draw.integer(1, len(self._companies)))
        return 1 if resource == "send" and chosen == PUBLIC_CLIENT else chosen

    def _is_late(self, resource: str, number: int) -> bool:
        return resource == "receive" and self._draw("late", number).maybe(LATE_SHARE)

    def _base(self, number: int, created: datetime, draw: Draw) -> JsonObject:
        return {
            "id": number,
            "created": format_timestamp(created, self._ticks(draw)),
            "version": draw.integer(1, NEWEST_VERSION),
            "user_id": USER_ID,
        }

    def _ticks(self, draw: Draw) -> int:
        """Return the fraction of an instant, which is usually 0."""
        return draw.integer(1, 9_999_999) if draw.maybe(FRACTIONS_SHARE) else 0

    def _company(self, number: int) -> JsonObject:
        draw = self._draw("company", number)
        party = self._companies[(number - 1) % len(self._companies)]
        vat = party.vat or party.fiscal_code or ""
        return {
            **self._base(number, WORLD_START - HISTORY + timedelta(days=number), draw),
            "vat": f"IT{vat}" if number <= len(self._companies) else f"IT{number:011}",
            "fiscal_code": party.fiscal_code or vat,
            "name": party.display_name,
        }

    def _invoice(self, resource: str, number: int) -> tuple[JsonObject, Plan, Draw, datetime]:
        """Return what sent and received invoices have in common."""
        plan = self._plan(resource, number)
        draw = self._draw(resource, number)
        created = self._created(number)
        is_text = plan.wrapping == "none" and draw.maybe(0.75)
        row: JsonObject = {
            **self._base(number, created, draw),
            "company_id": self._client(resource, number),
            "committente": plan.buyer.vat_number or plan.buyer.fiscal_code,
            "prestatore": plan.seller.vat_number,
            "identifier": str(9_000_000_000 + (0 if resource == "send" else 500_000_000) + number * 37),
            "file_name": plan.file_name,
            "format": plan.format,
            "payload": None,
            "documents": [{"number": document, "date": midnight(day)} for document, day in plan.documents],
            "encoding": "Xml" if is_text else "Base64",
        }
        return row, plan, draw, created

    def _sent(self, number: int) -> JsonObject:
        row, plan, draw, created = self._invoice("send", number)
        return {
            **row,
            "date_sent": format_timestamp(created + timedelta(minutes=draw.integer(1, 30))),
            "last_update": None,
            "nome_committente": plan.buyer.display_name,
            "meta_data": {"order_id": f"ORD-{number}"} if draw.maybe() else None,
            "latest_state": None,
        }

    def _received(self, number: int) -> JsonObject:
        row, plan, draw, created = self._invoice("receive", number)
        sent = created - timedelta(hours=draw.integer(1, 20))
        if self._is_late("receive", number):
            sent = datetime.combine(plan.documents[0][1], time(9), UTC) + timedelta(days=draw.integer(0, 5))
        return {
            **row,
            "date_sent": format_timestamp(sent) if draw.maybe(0.9) else None,
            "last_update": format_timestamp(created, draw.integer(1, 9_999_999)) if draw.maybe(0.9) else None,
            "nome_prestatore": plan.seller.display_name,
            "is_read": draw.maybe(0.8),
            "message_id": str(70_000_000 + number),
        }

    def _updates(self, sent: Sequence[Row]) -> list[JsonObject]:
        """Return the SDI's updates of all but the newest invoices, and apply them to the invoices."""
        steps = []
        for row in sent[:-IN_FLIGHT]:
            draw = self._draw("steps", row["id"])
            moment = datetime.fromisoformat(row["date_sent"])
            for state in _states(draw, row["format"], is_recent=row["id"] > len(sent) - 2 * IN_FLIGHT):
                steps.append((moment, row, state))
                # Whole minutes, so that some updates share an instant.
                moment += timedelta(minutes=draw.integer(5, 600))
        # No update may be in the future.
        present = WORLD_START - timedelta(minutes=1)
        steps = [(min(moment, present), row, state) for moment, row, state in steps]
        steps.sort(key=lambda step: step[0])
        updates = []
        for number, (moment, row, state) in enumerate(steps, start=1):
            row["last_update"] = format_timestamp(moment, self._ticks(self._draw("ticks", number)))
            row["latest_state"] = state
            updates.append(self._update(number, row, state, row["last_update"]))
        for row in sent[-IN_FLIGHT // 2 :]:
            row["date_sent"] = row["identifier"] = None
        return updates

    def _update(self, number: int, sent: Row, state: str, last_update: str) -> JsonObject:
        draw = self._draw("update", number)
        return {
            "id": number,
            "created": last_update,
            "version": draw.integer(1, NEWEST_VERSION),
            "user_id": USER_ID,
            "company_id": sent["company_id"],
            "send_id": sent["id"],
            "last_update": last_update,
            "state": state,
            "description": DESCRIPTIONS[state],
            "message_id": str(60_000_000 + number),
            "errors": [SDI_ERROR] if state == REJECTED else None,
            "is_read": draw.maybe(0.7),
        }

    def _logged(self, number: int) -> JsonObject:
        """Return a logged request of the customer's own integration."""
        draw = self._draw("log", number)
        moment = WORLD_START - RETENTION * (1 - min(number / self._count(LOGGED, 5), 1)) - timedelta(minutes=3)
        fails = draw.maybe(0.1)
        adds = draw.maybe(0.4)
        return {
            **self._base(number, moment, draw),
            "api_key_id": API_KEY_ID,
            "company_id": draw.integer(1, len(self._companies)) if adds else None,
            "method": "POST" if adds else "GET",
            "endpoint": draw.one_of(("/send", "/receive", "/update")),
            "api_version": API_VERSION,
            "status_code": draw.one_of((400, 422, 403)) if fails else 201 if adds else 200,
            "date_time": format_timestamp(moment, draw.integer(1, 9_999_999)),
            "error": "vat is required" if fails else None,
            "resource_id": draw.integer(1, 100) if adds and not fails else None,
            "user_agent": draw.one_of(("gestionale/4.2", None)),
            "success": not fails,
            "query": None if adds else "unread=true&page=1",
            "response_body": None,
        }

    def _webhook(self, number: int) -> JsonObject:
        draw = self._draw("webhook", number)
        fails = number == WEBHOOKS
        return {
            **self._base(number, WORLD_START - HISTORY / number, draw),
            "company_id": draw.integer(1, len(self._companies)) if draw.maybe() else None,
            "url": f"https://example.com/webhooks/{number}",
            "enabled": not fails,
            # Documented as shown only on creation.
            "secret": None,
            "description": draw.one_of(("Production webhook", None)),
            "events": list(EVENTS[: draw.integer(1, len(EVENTS))]),
            "failure_notified_at": format_timestamp(WORLD_START - timedelta(days=3)) if fails else None,
        }

    def _delivery(self, number: int) -> JsonObject:
        draw = self._draw("delivery", number)
        total = self._count(DELIVERIES, 5)
        moment = WORLD_START - RETENTION * (1 - min(number / total, 1)) - timedelta(minutes=2)
        status = draw.one_of((200, 200, 200, 204, 500, 0))
        errors = {500: "Internal Server Error", 0: "Connection refused (example.com:443)"}
        return {
            **self._base(number, moment, draw),
            "web_hook_id": draw.integer(1, WEBHOOKS),
            "event": draw.one_of(EVENTS),
            "status_code": status,
            "error": errors.get(status),
            "date_time": format_timestamp(moment),
            "success": status in {200, 204},
            "event_id": number * 3 if number > total // 4 else None,
            "attempt": draw.integer(1, 8) if status not in {200, 204} else 1,
        }

    def _subkey(self, number: int) -> JsonObject:
        draw = self._draw("subkey", number)
        base = self._base(number, WORLD_START - HISTORY / (number + 1), draw)
        del base["user_id"]
        return {
            **base,
            "description": draw.one_of(("Commercialista", "Sola lettura", None)),
            "active": number != WITHDRAWN_KEY,
            "permissions": {"company": "Read", "send": "Read", "receive": "Read", "webhook": None, "update": "Read"},
            "company_ids": None if number == 1 else [number],
            "cors_origins": None if number == 1 else ["https://example.com"],
            "previous_key_expires_at": format_timestamp(WORLD_START + timedelta(days=1)) if number == 1 else None,
        }


def _states(draw: Draw, format_: str, *, is_recent: bool) -> list[str]:
    """Return the states that an invoice goes through."""
    if is_recent and draw.maybe():
        return ["Inviato"]
    ending = draw.one_of(PUBLIC_ENDINGS if format_ == "FPA12" else PRIVATE_ENDINGS)
    if ending == REJECTED or format_ != "FPA12":
        return ["Inviato", ending]
    if ending == "AttestazioneTrasmissioneFattura":
        return ["Inviato", "NonConsegnato", ending]
    return ["Inviato", "Consegnato", ending]
