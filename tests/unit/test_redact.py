"""The last net: literal secrets in every form, known shapes, and never an exception."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration_manager.redact import UNCHECKED, Redactor
from migration_manager.secret import Secret

CANARY = "cAnArY7"
AWKWARD = "p'a\\s\"s é@/%:; $w\n"


@pytest.mark.parametrize("secret", [CANARY, Secret(CANARY)])
def test_replaces_what_it_was_told(secret: str | Secret) -> None:
    assert Redactor([secret]).clean(f"it is {CANARY}, and {CANARY}.") == "it is ***, and ***."


@pytest.mark.parametrize(
    "form",
    [
        lambda s: s,
        lambda s: quote(s, safe=""),
        lambda s: quote(s).lower(),
        quote_plus,
        lambda s: quote(s, safe="/:;$"),
        lambda s: s.replace("'", "''"),
        lambda s: s.replace("\\", "\\\\").replace("'", "''"),
        lambda s: s.replace("\\", "\\\\").replace("'", "\\'"),
        repr,
        ascii,
        json.dumps,
        lambda s: json.dumps(s, ensure_ascii=False),
        lambda s: repr({"dsn": s}),
        lambda s: json.dumps(repr(s)),
        lambda s: repr(ValueError(repr(s))),
    ],
)
def test_replaces_a_secret_in_every_form_it_may_be_written(form: Any) -> None:
    cleaned = Redactor([AWKWARD]).clean(f"before {form(AWKWARD)} after")
    assert "***" in cleaned
    assert "$w" not in cleaned
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")


@given(
    secret=st.text(min_size=3, max_size=12),
    around=st.sampled_from(["{}", "a {} b", "'{}'", "://u:{}@h", "%40{}%2F"]),
    form=st.sampled_from(
        [
            str,
            lambda s: repr(s)[1:-1],
            lambda s: ascii(s)[1:-1],
            lambda s: json.dumps(s)[1:-1],
            lambda s: quote(s, safe="", errors="surrogatepass"),
        ]
    ),
)
@settings(max_examples=60)
def test_no_form_of_a_secret_gets_through(secret: str, around: str, form: Any) -> None:
    cleaned = Redactor([secret]).clean(around.format(form(secret)))
    assert "***" in cleaned
    assert form(secret) not in cleaned or form(secret) in around.format("***")


@pytest.mark.parametrize("secret", ["", "a", "ab"])
def test_ignores_secrets_too_short_to_look_for(secret: str) -> None:
    assert Redactor([secret]).clean("a cab, abandoned") == "a cab, abandoned"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("the application app", "the application ***"),
        ("app_user app.users", "app_user ***.users"),
        ("'app' (app) app", "'***' (***) ***"),
        ("%40app%2F", "%40***%2F"),
        ("\\napp\\n", "\\n***\\n"),
    ],
)
def test_a_short_secret_is_replaced_as_a_whole_word_only(text: str, cleaned: str) -> None:
    assert Redactor(["app"]).clean(text) == cleaned


def test_a_long_secret_is_replaced_inside_of_words_too() -> None:
    assert Redactor(["hunter2hunter2"]).clean("xhunter2hunter2y") == "x***y"


def test_a_secret_that_begins_another_leaves_no_tail() -> None:
    assert Redactor(["abcdefgh", "abcdefgh-ijkl"]).clean("abcdefgh-ijkl abcdefgh") == "*** ***"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://u:{CANARY}@h/app",
        f"postgresql://u:{CANARY}@x/{CANARY}@h/app",
        f"POSTGRES://:{CANARY}@h",
        f"mysql+pymysql://u:{CANARY}@h",
        f'{{"url":"postgresql://u:{CANARY}@h"}}',
        f"password={CANARY}",
        f"PassWord = '{CANARY}'",
        f"password = '{CANARY} \\' {CANARY}'",
        f'sslpassword="{CANARY} {CANARY}"',
        f"PGPASSWORD={CANARY} psql",
        f"postgresql://h?user=u&password={CANARY}&sslmode=require",
        f"passwd={CANARY}",
        f"pwd={CANARY},{CANARY};{CANARY}",
        f"ALTER ROLE app PASSWORD '{CANARY}'",
        f"create role app login encrypted   password\n '{CANARY}''{CANARY}' superuser",
        f"ALTER ROLE app PASSWORD E'{CANARY}\\'{CANARY}'",
        f"ALTER ROLE app PASSWORD U&'{CANARY}'",
        f"LINE 1: ALTER ROLE app PASSWORD '{CANARY}",
        f"ALTER ROLE app PASSWORD $${CANARY}\n{CANARY}$$",
        f"ALTER ROLE app PASSWORD $x${CANARY}$$ {CANARY}$x$;",
        f"ALTER ROLE app PASSWORD $x${CANARY}",
        f"OPTIONS (user 'u', password '{CANARY}')",
        f"{{'user': 'u', 'password': '{CANARY}'}}",
        json.dumps({"password": f'{CANARY}"{CANARY}'}),
        json.dumps({"dsn": f'password="{CANARY} {CANARY}"'}),
        f"connect(password='{CANARY}', host='h')",
    ],
)
def test_knows_the_shapes_of_passwords_nobody_told_it(text: str) -> None:
    cleaned = Redactor().clean(text)
    assert CANARY not in cleaned
    assert "***" in cleaned
    assert Redactor().clean(cleaned) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "",
        'password authentication failed for user "app"',
        "ALTER TABLE users ADD COLUMN password text NOT NULL",
        "INSERT INTO settings VALUES ('password', 'email')",
        "ALTER ROLE app PASSWORD NULL",
        "a % in the password is not followed by two hexadecimal digits",
        "SELECT $1, password, $2",
        "db.host:5432/app as deploy@example.org",
        "https://example.org/docs see mail@example.org",
        "UPDATE users SET password_changed = now()",
    ],
)
def test_leaves_harmless_text_as_it_is(text: str) -> None:
    assert Redactor([CANARY]).clean(text) == text


def test_cleaned_json_is_still_json() -> None:
    text = json.dumps({"dsn": 'host=h password="a b" user=u', "url": f"postgresql://u:{AWKWARD}@h", "mail": "a@b"})
    assert json.loads(Redactor([AWKWARD]).clean(text)).keys() == {"dsn", "url", "mail"}


@pytest.mark.parametrize("broken", [None, 5, b"bytes"])
def test_what_cannot_be_checked_is_not_shown(broken: Any) -> None:
    assert Redactor([CANARY]).clean(broken) == UNCHECKED


def test_an_exception_inside_never_lets_the_text_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Redactor, text: str) -> str:
        raise MemoryError(text)

    monkeypatch.setattr(Redactor, "_cleaned", fail)
    assert Redactor([CANARY]).clean(CANARY) == UNCHECKED


@pytest.mark.parametrize("piece", ["a", "://", "password", "password=", "password '", "password $a$", "'", "\\", "%25"])
def test_time_grows_with_the_text_and_no_faster(piece: str) -> None:
    redactor = Redactor(["%%25%25\\\\\\\\\\\\\\\\", "aaaaaaaaaaaaaaaaaaaaaaaab"])
    text = piece * (100_000 // len(piece))
    began = time.process_time()
    redactor.clean(text)
    assert time.process_time() - began < 3  # quadratic time would be minutes
