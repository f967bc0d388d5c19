"""One deed after the other becomes rows: the rules of who may, and what a deed brings along."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from storewarden.api import deeds, located, owning, restoring
from storewarden.api.checked import Problem, Wrong, moment_ns, nanos
from storewarden.api.done import Done
from storewarden.api.owning import Owned
from storewarden.api.taking_in import take_in
from storewarden.api.who import Who
from storewarden.catalogue import marks, undecided
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events import rounds
from storewarden.catalogue.marks import Said
from storewarden.catalogue.told import flows, places, talk, usage, users
from storewarden.catalogue.told.flows import PhaseSaid
from storewarden.catalogue.told.places import Place, ToldRow
from storewarden.catalogue.told.talk import ChatSaid, TextSaid
from storewarden.catalogue.told.usage import Usage
from storewarden.catalogue.told_links import APPLICATION
from storewarden.catalogue.words import Words
from storewarden.errors import AlreadyThere, NotAllowed


class _Flow(NamedTuple):
    """The rows to which something belongs."""

    workflow: int | None = None
    scene: int | None = None


class _At(NamedTuple):
    """What is told of a place, and the file that it names."""

    told: ToldRow
    file_id: int | None
    created: bool


class Carrier:
    """Carries out the deeds of one transaction; what it remembers holds as long as that."""

    def __init__(self, engine: Engine, host_id: int, now_ns: int) -> None:
        self._engine = engine
        self._host = host_id
        self._now = now_ns
        self._roots: located.Roots | None = None
        self._taken: list[int] = []  # told files that are somebody else's than before
        self._flows: dict[tuple[int | None, int | None, str, str | None], _Flow] = {}
        self._ways: dict[type, Callable[[Any, Who], Done]] = {
            deeds.TellWorkflow: self._workflow,
            deeds.TellScene: self._scene,
            deeds.TellFile: self._file,
            deeds.TellUsage: self._usage,
            deeds.TellText: self._text,
            deeds.TellChat: self._chat,
            deeds.Pin: self._pin,
            deeds.Restore: self._restore,
        }

    def carry(self, deed: deeds.Deed, who: Who) -> Done:
        """Carry one deed out; to carry it out again changes nothing.

        Raises:
            PermanentError: it is refused; what it wrote until then must not be kept.
        """
        return self._ways[type(deed)](deed, who)

    def finish(self) -> None:
        """Count what was taken in, all at once.

        Raises:
            QuotaExceeded: for one of the owners it is too much; then nothing of it must be kept.
        """
        taken, self._taken = self._taken, []
        if taken:
            take_in(self._engine, taken)

    # -- workflows and scenes -----------------------------------------------------------------

    def _workflow(self, deed: deeds.TellWorkflow, who: Who) -> Done:
        engine, name = self._engine, deed.workflow
        said_owner = self._owner(deed.owner, who)
        owner = owning.owner_after(who, None, said_owner)
        row = self._found(name, who, owner)
        if deed.must == "exist" and (row is None or not owning.may_see(who, _owned(row))):
            public = flows.is_public(engine, self._host, name)
            owning.refuse_unchangeable(who, Owned(public=public, told=True), "workflow", name)
            raise owning.not_there("workflow", name)
        row = row or flows.make_workflow(engine, self._host, name, owner, self._now)
        self._flows.clear()  # it may belong to another one from now on
        created = row["told_ns"] is None
        if deed.must == "be_new" and not created:
            raise AlreadyThere("there is such a workflow already", where=name)
        said = {
            "title": deed.title,
            "status": deed.status,
            "phase": deed.phase,
            "original_prompt": deed.original_prompt,
            "enhanced_story": deed.enhanced_story,
            "started_ns": _moment(deed.started),
            "ended_ns": _moment(deed.ended),
            "more": deed.more,
            "public": None if deed.public is None else int(deed.public),
            "owner_id": owning.owner_after(who, row["owner_id"], said_owner),
        }
        flows.change(engine, "workflows", row, said, self._now)
        if deed.phases:
            flows.change_phases(engine, row["id"], [_phase(each) for each in deed.phases])
        return Done(what="workflow", id=row["id"], created=created, workflow=name)

    def _scene(self, deed: deeds.TellScene, who: Who) -> Done:
        owner = owning.owner_after(who, None, None)
        row = self._part(self._owned_flow(deed.workflow, who, owner), deed.scene)
        created = row["told_ns"] is None
        said = {
            "number": deed.number,
            "description": deed.description,
            "prompt": deed.prompt,
            "status": deed.status,
            "more": deed.more,
        }
        flows.change(self._engine, "scenes", row, said, self._now)
        file_id = None
        if deed.image is not None:
            at = self._at(deed.image, who, "/image")
            flows.set_image(self._engine, row["id"], at.told.id)
            file_id = at.file_id
        return Done(
            what="scene",
            id=row["id"],
            created=created,
            workflow=deed.workflow,
            scene=deed.scene,
            path=deed.image,
            file=file_id,
        )

    def _flow(
        self, workflow: str | None, scene: str | None, who: Who, owner: int | None = None
    ) -> _Flow:
        """Return the rows of a workflow and a scene, making those that are not there.

        ``owner`` is whose of several of that name is meant, where one may see all.
        """
        if workflow is None:
            return _Flow()
        owner = owning.owner_after(who, None, owner if who.sees_all else None)
        key = (who.user_id, owner, workflow, scene)
        if key not in self._flows:
            workflow_id = self._owned_flow(workflow, who, owner)
            part = None if scene is None else self._part(workflow_id, scene)
            self._flows[key] = _Flow(workflow_id, None if part is None else part["id"])
        return self._flows[key]

    def _owned_flow(self, name: str, who: Who, owner: int | None) -> int:
        """Return the row of a workflow to which something may be added."""
        row = self._found(name, who, owner)
        row = row or flows.make_workflow(self._engine, self._host, name, owner, self._now)
        return int(row["id"])

    def _found(self, name: str, who: Who, owner: int | None) -> dict[str, Any] | None:
        """Return the workflow that somebody means and may change; others' names are theirs."""
        row = flows.workflow(self._engine, self._host, name, owner)
        if row is None or not owning.may_change(who, _owned(row)):
            return None
        return row if owner is None or row["owner_id"] in (owner, None) else None

    def _part(self, workflow_id: int, name: str) -> dict[str, Any]:
        row = flows.scene(self._engine, self._host, workflow_id, name)
        return row or flows.make_scene(self._engine, self._host, workflow_id, name, self._now)

    # -- files --------------------------------------------------------------------------------

    def _file(self, deed: deeds.TellFile, who: Who) -> Done:
        said_owner = self._owner(deed.owner, who)
        at = self._at(deed.path, who, said_owner=said_owner)
        owner = owning.owner_after(who, at.told.owner_id, said_owner)
        flow = self._flow(deed.workflow, deed.scene, who, owner)
        said = {
            "workflow_id": flow.workflow,
            "scene_id": flow.scene,
            "file_type": deed.file_type,
            "title": deed.title,
            "metadata": deed.metadata,
            "public": None if deed.public is None else int(deed.public),
            "rating": deed.rating,
        }
        row = at.told._asdict()
        values = flows.different(row, said)
        if flow.workflow is not None and flow.workflow != row["workflow_id"]:
            values["scene_id"] = flow.scene  # that of another workflow holds no longer
        tags = json.loads(row["tags"])
        if new := {*deed.tags} - {*tags}:
            values["tags"] = json.dumps(sorted({*tags, *new}), ensure_ascii=False)
        if values:
            places.change(self._engine, at.told.id, values, self._now)
        if at.file_id is not None:
            if deed.rating is not None or deed.tags:
                words = Said(rating=deed.rating, tags=deed.tags)
                marks.say(self._engine, at.file_id, words, self._now, by=_by(who))
            if values or at.created:
                self._tell_history(at.file_id, deed, values, who)
        return self._done("file", at.told.id, at, deed, created=at.created)

    def _at(
        self, path: str, who: Who, pointer: str = "/path", *, said_owner: int | None = None
    ) -> _At:
        """Return what there is of a place, and have it belong to whom it does from now on."""
        place = self._place(path, pointer)
        file_id, told, created = places.made(self._engine, place, self._now)
        it = Owned(told.owner_id, bool(told.public), told=not created)
        owning.refuse_unchangeable(who, it, "file", path)
        owner = owning.owner_after(who, told.owner_id, said_owner)
        if owner != told.owner_id:
            places.change(self._engine, told.id, {"owner_id": owner}, self._now)
            if file_id is not None and owner is not None:
                self._own(file_id, owner, who)
            self._taken.append(told.id)
        return _At(told, file_id, created)

    def _own(self, file_id: int, owner_id: int, who: Who) -> None:
        user = users.by_id(self._engine, owner_id)
        if user is not None:
            marks.say(self._engine, file_id, Said(owner=user.name), self._now, by=_by(who))

    def _owner(self, name: str | None, who: Who) -> int | None:
        """Return the user whom somebody says to be the owner."""
        if name is None or (name == who.name and who.user_id is not None):
            return None if name is None else who.user_id
        if not who.sees_all:
            raise NotAllowed("only an administrator may say whose it is", where=name)
        user = users.named(self._engine, name)
        if user is None:
            raise Wrong([Problem("/owner", "is no user", "storewarden user list")])
        return user.id

    def _tell_history(
        self, file_id: int, deed: deeds.TellFile, values: dict[str, Any], who: Who
    ) -> None:
        detail: dict[str, Any] = {"by": _by(who)}
        if {"workflow_id", "scene_id"} & values.keys():
            detail |= {"workflow": deed.workflow, "scene": deed.scene}
        detail |= {
            name: values[name] for name in ("file_type", "title", "public") if name in values
        }
        if "metadata" in values and deed.metadata:
            detail["metadata"] = sorted(deed.metadata)
        self._engine.insert(
            "history",
            ("file_id", "at_ns", "event", "detail"),
            [(file_id, self._now, "told", json.dumps(detail))],
        )
        undecided.mark(self._engine, [file_id])

    def _pin(self, deed: deeds.Pin, who: Who) -> Done:
        there = places.known(self._engine, self._place(deed.path))
        it = there.told and Owned(there.told.owner_id, bool(there.told.public), told=True)
        if not who.sees_all or (there.told is None and there.file_id is None):
            owning.refuse_unseen(who, it, "file", deed.path)
        at = self._at(deed.path, who)
        if at.told.pinned != int(deed.pinned):
            places.change(self._engine, at.told.id, {"pinned": int(deed.pinned)}, self._now)
        changed = False
        if at.file_id is not None:
            said = Said(pinned=deed.pinned)
            changed = marks.say(self._engine, at.file_id, said, self._now, by=_by(who))
        return self._done("pin", at.told.id, at, deed, created=changed)

    def _restore(self, deed: deeds.Restore, who: Who) -> Done:
        was = self._place(deed.path)
        to = None if deed.to is None else self._place(deed.to, "/to")
        return restoring.ask(self._engine, self._host, deed, (was, to), who)

    # -- what goes along with files -----------------------------------------------------------

    def _usage(self, deed: deeds.TellUsage, who: Who) -> Done:
        flow = self._flow(deed.workflow, deed.scene, who)
        at = None if deed.path is None else self._at(deed.path, who)
        row = Usage(
            host_id=self._host,
            at_ns=self._now if deed.at is None else moment_ns(deed.at),
            provider=deed.provider,
            model=deed.model,
            operation=deed.operation,
            calls=deed.calls,
            tokens_in=deed.tokens_in,
            tokens_out=deed.tokens_out,
            cost_nano=None if deed.cost is None else nanos(deed.cost),
            currency=deed.currency,
            duration_ns=_nanoseconds(deed.duration),
            error=deed.error,
            workflow_id=flow.workflow,
            scene_id=flow.scene,
            told_id=None if at is None else at.told.id,
            user_id=who.user_id,
            key=deed.key,
            told_ns=self._now,
        )
        row_id, created = usage.keep(self._engine, row, deed.workflow, who.name)
        if created and at is not None:
            self._add_cost(at, row)
        return self._done("usage", row_id, at, deed, created=created)

    def _add_cost(self, at: _At, row: Usage) -> None:
        values = at.told.with_cost(row.cost_nano, row.currency)
        if values:
            places.change(self._engine, at.told.id, values, self._now)
            if at.file_id is not None:
                undecided.mark(self._engine, [at.file_id])

    def _text(self, deed: deeds.TellText, who: Who) -> Done:
        at = self._at(deed.path, who)
        said = TextSaid(
            at.told.id,
            deed.role,
            deed.language,
            deed.text,
            _nanoseconds(deed.duration),
            deed.model,
        )
        kept = talk.keep_text(self._engine, said, self._now)
        if kept.changed and at.file_id is not None:
            Words(self._engine).index([at.file_id])
            rounds.describe(self._engine, [at.file_id])
        return self._done("text", kept.id, at, deed, created=kept.created)

    def _chat(self, deed: deeds.TellChat, who: Who) -> Done:
        at = self._at(deed.path, who)
        said = ChatSaid(
            host_id=self._host,
            told_id=at.told.id,
            user_id=who.user_id,
            at_ns=self._now if deed.at is None else moment_ns(deed.at),
            question=deed.question,
            answer=deed.answer,
            duration_ns=_nanoseconds(deed.duration),
            model=deed.model,
            more=json.dumps(dict(deed.more), ensure_ascii=False),
            key=deed.key,
            told_ns=self._now,
        )
        row_id, created = talk.keep_chat(self._engine, said)
        return self._done("chat", row_id, at, deed, created=created)

    # -- pieces -------------------------------------------------------------------------------

    def _place(self, path: str, pointer: str = "/path") -> Place:
        if self._roots is None:
            self._roots = located.roots_of(self._engine, self._host)
        return located.place(path, self._roots, pointer)

    def _done(self, what: str, row_id: int, at: _At | None, deed: Any, *, created: bool) -> Done:
        return Done(
            what=what,
            id=row_id,
            created=created,
            workflow=getattr(deed, "workflow", None),
            scene=getattr(deed, "scene", None),
            path=getattr(deed, "path", None),
            file=None if at is None else at.file_id,
        )


def _owned(workflow: dict[str, Any]) -> Owned:
    told = workflow["told_ns"] is not None
    return Owned(workflow["owner_id"], bool(workflow["public"]), told=told)


def _phase(phase: deeds.Phase) -> PhaseSaid:
    return PhaseSaid(
        phase.name, phase.status, _moment(phase.started), _moment(phase.ended), phase.detail
    )


def _moment(when: str | None) -> int | None:
    return None if when is None else moment_ns(when)


def _nanoseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000_000)


def _by(who: Who) -> str:
    return who.name or APPLICATION
