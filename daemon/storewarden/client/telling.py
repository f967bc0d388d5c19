"""What an application says of its work: workflows, scenes, files, costs, texts, chats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storewarden.api.deeds import (
    Deed,
    Phase,
    Pin,
    Restore,
    TellChat,
    TellFile,
    TellScene,
    TellText,
    TellWorkflow,
)
from storewarden.api.done import Done
from storewarden.client.backend import Backend
from storewarden.client.named import PathName, named
from storewarden.client.recording import ApiUsage
from storewarden.client.returning import wait_for
from storewarden.client.said import Span, When, fresh_key, span, when

More = Mapping[str, Any]


class Telling:
    """The half of `Warden` that says. What is not said stays as it is; None says nothing."""

    _backend: Backend

    def tell(self, *deeds: Deed) -> list[Done]:
        """Keep several deeds at once: all of them, or none.

        Faster than one by one: it is one transaction. The deeds are those of
        ``storewarden.client.deeds``.
        """
        return self._backend.tell(deeds) if deeds else []

    def create_workflow(
        self,
        workflow: str,
        *,
        title: str | None = None,
        status: str | None = None,
        phase: str | None = None,
        original_prompt: str | None = None,
        enhanced_story: str | None = None,
        started: When | None = None,
        ended: When | None = None,
        phases: Sequence[Phase] = (),
        more: More | None = None,
        public: bool | None = None,
        owner: str | None = None,
        exist_ok: bool = True,
    ) -> Done:
        """Make a workflow, known by its name; one that is there is changed by what is said.

        A workflow that files named already is the same one. With ``exist_ok=False`` one that was
        told of before is refused.
        """
        return self._one(
            TellWorkflow(
                workflow=workflow,
                title=title,
                status=status,
                phase=phase,
                original_prompt=original_prompt,
                enhanced_story=enhanced_story,
                started=when(started),
                ended=when(ended),
                phases=tuple(phases),
                more=more,
                public=public,
                owner=owner,
                must=None if exist_ok else "be_new",
            )
        )

    def update_workflow(
        self,
        workflow: str,
        *,
        title: str | None = None,
        status: str | None = None,
        phase: str | None = None,
        original_prompt: str | None = None,
        enhanced_story: str | None = None,
        started: When | None = None,
        ended: When | None = None,
        phases: Sequence[Phase] = (),
        more: More | None = None,
        public: bool | None = None,
        owner: str | None = None,
    ) -> Done:
        """Change what is said of a workflow that is there; one that is not is refused.

        ``phases`` change, or are added to, those that are there, by their names.
        """
        return self._one(
            TellWorkflow(
                workflow=workflow,
                title=title,
                status=status,
                phase=phase,
                original_prompt=original_prompt,
                enhanced_story=enhanced_story,
                started=when(started),
                ended=when(ended),
                phases=tuple(phases),
                more=more,
                public=public,
                owner=owner,
                must="exist",
            )
        )

    def add_scene(
        self,
        workflow: str,
        scene: str,
        *,
        number: int | None = None,
        description: str | None = None,
        prompt: str | None = None,
        image: PathName | None = None,
        status: str | None = None,
        more: More | None = None,
    ) -> Done:
        """Make a scene of a workflow, known by its name there, or change what is said of it."""
        return self._one(
            TellScene(
                workflow=workflow,
                scene=scene,
                number=number,
                description=description,
                prompt=prompt,
                image=None if image is None else named(image),
                status=status,
                more=more,
            )
        )

    def add_generated_file(
        self,
        path: PathName,
        *,
        workflow: str | None = None,
        scene: str | None = None,
        file_type: str | None = None,
        title: str | None = None,
        metadata: More | None = None,
        public: bool | None = None,
        owner: str | None = None,
        rating: float | None = None,
        tags: Sequence[str] = (),
    ) -> Done:
        """Say to what a file belongs, before or after it is on disk; it is one row either way.

        The file is known by its path: absolute, or ROOT/PATH.
        """
        return self._one(
            TellFile(
                path=named(path),
                workflow=workflow,
                scene=scene,
                file_type=file_type,
                title=title,
                metadata=metadata,
                public=public,
                owner=owner,
                rating=rating,
                tags=tuple(tags),
            )
        )

    @property
    def record_api_usage(self) -> ApiUsage:
        """Record what a call of a service took and cost.

        Called, it records one that is over; ``.timed(…)`` times one as it happens, around a block
        or a function.
        """
        return ApiUsage(self._one)

    def add_transcript(
        self,
        path: PathName,
        text: str,
        *,
        language: str | None = None,
        duration: Span | None = None,
        model: str | None = None,
    ) -> Done:
        """Keep what is said in a file: found by `search`; one for each language."""
        return self._text("transcript", path, text, language, duration, model)

    def add_summary(
        self,
        path: PathName,
        text: str,
        *,
        language: str | None = None,
        duration: Span | None = None,
        model: str | None = None,
    ) -> Done:
        """Keep a summary of a file: found by `search`; one for each language.

        ``duration`` is how long it took to make.
        """
        return self._text("summary", path, text, language, duration, model)

    def add_chat(
        self,
        path: PathName,
        question: str,
        answer: str,
        *,
        at: When | None = None,
        duration: Span | None = None,
        model: str | None = None,
        more: More | None = None,
        key: str | None = None,
    ) -> Done:
        """Keep a question about a file and its answer; with a ``key`` of your own, once."""
        return self._one(
            TellChat(
                path=named(path),
                question=question,
                answer=answer,
                at=when(at),
                duration=span(duration),
                model=model,
                more=more or {},
                key=key or fresh_key(),
            )
        )

    def pin(self, path: PathName) -> Done:
        """Keep a file where it is: no policy takes it away."""
        return self._one(Pin(path=named(path)))

    def unpin(self, path: PathName) -> Done:
        """Take the pin off a file: policies decide about it again."""
        return self._one(Pin(path=named(path), pinned=False))

    def restore(
        self,
        path: PathName,
        *,
        to: PathName | None = None,
        store: str | None = None,
        wait: bool = True,
    ) -> Done:
        """Bring back a file that was put away, to where it was; never over something.

        ``to`` is another place below the same root, ``store`` the one of several copies to take.
        Without ``wait`` the daemon is asked, and does it later.

        Raises:
            AlreadyThere: nothing is away.
            PermanentError: it could not be brought back; or no daemon runs.
            Unreachable: it takes longer than this client waits; the daemon goes on with it.
        """
        deed = Restore(path=named(path), to=None if to is None else named(to), store=store)
        done = self._one(deed)
        if wait:
            wait_for(self._backend, done)
        return done

    def _text(
        self,
        role: str,
        path: PathName,
        text: str,
        language: str | None,
        duration: Span | None,
        model: str | None,
    ) -> Done:
        deed = TellText(
            path=named(path),
            text=text,
            role=role,
            language=language,
            duration=span(duration),
            model=model,
        )
        return self._one(deed)

    def _one(self, deed: Deed) -> Done:
        return self._backend.tell((deed,))[0]
