"""A lesson: a scenario whose ATM steps a learner performs; each answer is predicted first and explained afterwards.

Steps at home and of the bank's staff happen by themselves. What a learner does at the machine has to be what the step
says (another amount is not sent), so that a lesson ends as the same scenario ends in `atm-sim test`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from atm_sim.checks.steps import StepResult, step_results
from atm_sim.kiosk.glass import rule_words
from atm_sim.kiosk.texts import Lang, person_name, say
from atm_sim.records.log import EventLog
from atm_sim.report.texts import code_text, name_text
from atm_sim.runner.grade import step_checks
from atm_sim.sansio.effects import Event, PinEntered, ServiceChosen
from atm_sim.scenario import Case
from atm_sim.world.cast import Person
from atm_sim.world.lab import Lab
from atm_sim.world.people import Wish
from atm_sim.world.plans import Planned
from bank_host.iso8583.describe import yen
from bank_host.jst import civil, jst_date
from bank_host.netbank.typed import yen as yen_typed

CODES: Final = ("00", "05", "51", "55", "61", "62", "75", "91")
"""What the shipped lessons come to, and what might be taken for it. A learner chooses among these, the codes that the
lesson's own steps expect, and that nothing is answered."""
NOTHING: Final = "none"
"""How a page says the answer that does not come: '' there is what has not been chosen."""
PREDICT, PERFORM, HAPPENS, TOLD, DONE = "predict", "perform", "happens", "told", "done"


class Prediction(NamedTuple):
    """What the learner expects of a step, or what became of it."""

    code: str
    card_kept: bool
    balance_jpy: int


class StepNote(NamedTuple):
    """One step in the learner's result."""

    step: str
    predicted: Prediction
    came: Prediction
    rule: str  # the bank's reason, '' where nothing stood against it

    @property
    def right(self) -> int:
        """Of three answers."""
        return sum(a == b for a, b in zip(self.predicted, self.came, strict=True))


class Lesson:
    """One learner's way through the steps."""

    def __init__(
        self, case: Case, lab: Lab, steps: Sequence[Planned], notes: Sequence[StepNote] = (), at: int = 0
    ) -> None:
        """`notes` and `at` are of an earlier program."""
        self._case = case
        self._lab = lab
        self._steps = steps
        self.notes: list[StepNote] = list(notes)
        self.at = at
        self.phase = ""
        self._predicted: Prediction | None = None
        self._pins_left: list[str] = []
        self._hint = ""
        expected = (getattr(each.expect, "code", None) for each in case.scenario.steps)
        self._codes = (*sorted({*CODES, *(code for code in expected if code)}), "")

    # ------------------------------------------------------------ the course

    @property
    def step(self) -> Planned | None:
        return self._steps[self.at] if self.at < len(self._steps) else None

    def begins_step(self) -> Planned | None:
        """The phase of the current step; the step itself if it happens without the learner."""
        self._hint, self._predicted = "", None
        step = self.step
        if step is None:
            self.phase = DONE
            return None
        self.phase = PREDICT if step.wish is not None else HAPPENS
        return step if self.phase == HAPPENS else None

    def goes_on(self) -> Planned | None:
        """The learner has read what came of it."""
        if self.phase != TOLD:
            return None
        self.at += 1
        return self.begins_step()

    def predicts(self, answers: Any) -> None:
        """The learner's three answers; what is no answer is asked again."""
        if self.phase != PREDICT or not isinstance(answers, dict):
            return
        codes = {code or NOTHING: code for code in self._codes}
        code, card = codes.get(str(answers.get("code"))), answers.get("card")
        balance_jpy = yen_typed(str(answers.get("balance", "")))
        if balance_jpy < 0:
            self._hint = "no_amount"
            return
        if code is not None and card in ("back", "kept"):
            predicted = Prediction(code, card == "kept", balance_jpy)
            self._predicted, self._hint, self.phase = predicted, "", PERFORM

    # ------------------------------------------------------------ at the machine

    def wish_of(self, person: Person) -> Wish | None:
        """With which card this person may come now; None if it is not their turn."""
        step = self.step
        if self.phase != PERFORM or step is None or step.wish is None or step.person is not person:
            self._hint = "not_now"
            return None
        self._hint, self._pins_left = "", list(step.wish.pins)
        return Wish("", card=step.wish.card)

    def allows(self, event: Event) -> bool:
        """Whether this is what the step says; what is not, is told and not done."""
        step = self.step
        if step is None or step.wish is None:
            return True
        wish = step.wish
        match event:
            case PinEntered(pin) if self._pins_left:
                self._hint = (
                    "" if (pin == step.person.pin) == (self._pins_left[0] == "right") else "other_pin"
                )
                if not self._hint:
                    self._pins_left.pop(0)
            case ServiceChosen(service, amount_jpy, notes, new_pin):
                asked = (wish.service, wish.amount_jpy, tuple(sorted(wish.notes)), wish.new_pin)
                self._hint = (
                    "" if asked == (service, amount_jpy, tuple(sorted(notes)), new_pin) else "other_wish"
                )
            case _:
                self._hint = ""
        return not self._hint

    def happened(self, log: EventLog) -> bool:
        """Whether the step that goes on without the learner, or the visit, has come to its end."""
        step = self.step
        ending = "act" if self.phase == HAPPENS else "left"
        rows = (row for row in log.events if step is not None and row.step == step.label)
        return any(row.kind in (ending, "shown") for row in rows)

    def told(self, log: EventLog) -> None:
        """The end of a step: what came of it, beside what was predicted."""
        step = self.step
        assert step is not None
        if self.phase == PERFORM and self._predicted is not None:
            result = step_results(log.events).get(step.label) or StepResult(step.label)
            standing = self._lab.banks[step.person.bank].standing(step.person.card_id, jst_date(step.at_us))
            balance_jpy = standing.balance_jpy if standing else 0
            came = Prediction(result.code, result.card == "retained", balance_jpy)
            decided = [row for row in log.events if row.step == step.label and row.kind == "decided"]
            rule = next((row.reason.upper() for row in reversed(decided) if row.code != "00"), "")
            self.notes.append(StepNote(step.label, self._predicted, came, rule))
        self.phase = TOLD

    def result(self, learner: str, log: EventLog) -> dict[str, Any]:
        """The learner's result, as its file holds it."""
        done = {note.step for note in self.notes}
        checks = [
            check
            for check in step_checks(self._case, {1: log})
            if check.step in done and check.name in _JUDGED
        ]
        return {
            "lesson": self._case.scenario.title,
            "learner": learner,
            "finished": self.phase == DONE,
            "right": sum(note.right for note in self.notes),
            "asked": 3 * sum(step.wish is not None for step in self._steps),
            "steps": [
                {
                    "step": note.step,
                    "predicted": note.predicted._asdict(),
                    "came": note.came._asdict(),
                    "rule": note.rule,
                }
                for note in self.notes
            ],
            "unmet": [
                f"step {check.step}: {check.name} {check.expected}, got {check.actual}"
                for check in checks
                if not check.passed
            ],
        }

    # ------------------------------------------------------------ what it looks like

    def view(self, lang: Lang) -> dict[str, Any]:
        scenario, step = self._case.scenario, self.step
        japanese = lang == "ja"
        asks = self.phase == PREDICT
        last = self.notes[-1] if self.notes else None
        told = self._told(last, lang) if self.phase == TOLD and step and step.wish and last else []
        if self.phase == DONE:
            right, asked = sum(note.right for note in self.notes), 3 * len(self.notes)
            told = [say("lesson.score", lang).format(right, asked)]
        if self._hint:
            told = [*told, say(f"lesson.{self._hint}", lang)]
        text = say("lesson.done", lang) if step is None else self._text(step, lang)
        if self.at == 0 and not self.notes and self.phase != PERFORM:
            text = f"{(japanese and scenario.about_ja) or scenario.about}\n{text}"
        return {
            "title": (japanese and scenario.title_ja) or scenario.title,
            "text": text,
            "told": told,
            "ask": say("lesson.ask", lang),
            "questions": self._questions(lang) if asks else [],
            "choose": say("lesson.choose", lang),
            "send": say("lesson.send", lang),
            "next": say("lesson.next", lang) if self.phase == TOLD else "",
        }

    def _questions(self, lang: Lang) -> list[dict[str, Any]]:
        codes = [[code or NOTHING, _code_words(code, lang)] for code in self._codes]
        fates = [["back", say("lesson.card_back", lang)], ["kept", say("lesson.card_kept", lang)]]
        return [
            {"id": "code", "label": say("lesson.code", lang), "answers": codes},
            {"id": "card", "label": say("lesson.card", lang), "answers": fates},
            {"id": "balance", "label": say("lesson.balance", lang), "answers": []},
        ]

    def _text(self, step: Planned, lang: Lang) -> str:
        """What is to be done, in words: made of the step, so that it is the same in both languages."""
        at, who = f"{civil(step.at_us):%H:%M}", person_name(step.person.name, lang)
        if step.wish is None:
            act = getattr(name_text(step.service), lang)
            return say("lesson.happens", lang).format(at, who, act)
        wish = step.wish
        amount_jpy = wish.amount_jpy or sum(note * count for note, count in wish.notes)
        service = say(f"choice.{wish.service}", lang) + (f" {yen(amount_jpy)}" if amount_jpy else "")
        if wish.notes:
            service += f" ({', '.join(f'{yen(note)} × {count}' for note, count in wish.notes)})"
        if wish.new_pin:
            service += f" → {wish.new_pin}"
        text = say("lesson.do", lang).format(at, who, service)
        if wish.card != "own":
            text += " " + say(f"lesson.{wish.card}", lang)
        if "wrong" in wish.pins:
            entries = ", ".join(say(f"lesson.{entry}", lang) for entry in wish.pins)
            text += " " + say("lesson.pins", lang).format(entries)
        if wish.leaves:
            text += " " + say(f"lesson.leave_{wish.leaves}", lang)
        return text

    def _told(self, note: StepNote, lang: Lang) -> list[str]:
        def line(name: str, predicted: str, came: str) -> str:
            mark = "○" if predicted == came else "×"
            return say("lesson.came", lang).format(mark, say(f"lesson.{name}", lang), came, predicted)

        def fate(kept: bool) -> str:
            return say("lesson.card_kept" if kept else "lesson.card_back", lang)

        predicted, came = note.predicted, note.came
        lines = [
            line("code", _code_words(predicted.code, lang), _code_words(came.code, lang)),
            line("card", fate(predicted.card_kept), fate(came.card_kept)),
            line("balance", yen(predicted.balance_jpy), yen(came.balance_jpy)),
        ]
        if note.rule:
            return [*lines, say("lesson.rule", lang).format(note.rule, rule_words(note.rule, lang))]
        return [*lines, say("lesson.no_rule", lang)]


def _code_words(code: str, lang: Lang) -> str:
    return str(getattr(code_text(code), lang)) if code else say("lesson.no_code", lang)


_JUDGED: Final = frozenset({"outcome", "code", "reason", "dispensed", "reversed", "card"})
"""Keys of `expect:` that the machine's own rows tell; a balance is compared with the bank's."""
