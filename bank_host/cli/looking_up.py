"""Commands that need no database: the figures the bank decides by, and what customers can look up."""

from __future__ import annotations

import json
from datetime import date

import click

from bank_host.help_topics import TOPICS
from bank_host.policy import load_policy
from bank_host.rules.languages import LANGUAGES, say


@click.command()
@click.option("--on", "day", default="", help="JST date, YYYY-MM-DD; without it every dated entry is listed.")
@click.option("--key", "only", default="", help="One key, or the beginning of several.")
def policy(day: str, only: str) -> None:
    """Show the bank's figures: every number a rule uses, by date, with where it comes from."""
    try:
        wanted = date.fromisoformat(day) if day else None
    except ValueError:
        raise click.BadParameter("expected a date such as 2014-01-15", param_hint="--on") from None
    entries = {key: timeline for key, timeline in load_policy().entries().items() if key.startswith(only)}
    if not entries:
        raise click.BadParameter(
            f"no key begins with {only!r}; without --key all are shown", param_hint="--key"
        )
    for key, timeline in entries.items():
        in_force = [entry for entry in timeline if wanted is None or entry.as_of <= wanted] or timeline[:1]
        for entry in in_force if wanted is None else in_force[-1:]:
            value = json.dumps(entry.raw, ensure_ascii=False, default=str)
            click.echo(f"{key}\t{entry.as_of}\t{value}\t{entry.basis}")


@click.command("help")
@click.argument("topic", type=click.Choice(list(TOPICS)))
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", help="Language of the words.")
def help_command(topic: str, lang: str) -> None:
    """Show what customers can look up about TOPIC, as from the confirm screen of a transfer."""
    click.echo(say(TOPICS[topic], lang), nl=False)
