"""Forgeries by somebody who can write the whole store, each with what shows it: nothing, a public key, or a kept head."""

from __future__ import annotations

import contextlib
import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import write_deltalake

from glm_local.audit import history, verify
from glm_local.audit.fill_rows import Row, fill_rows, from_arrow, sha256_text, to_arrow
from glm_local.audit.hash_chain import Head, head_of, link_events
from glm_local.audit.seal_keys import Signer, read_signer
from glm_local.audit.seals import write_seal
from glm_local.audit.store import TableFiles
from glm_local.audit.tables import EVENTS
from glm_local.errors import ConfigError, StoreError
from glm_local.stores.delta_store import DeltaStore, open_store
from glm_local.testing.store_conformance import small_run
from glm_local.texts.plain_json import canonical_json

OWN, FOREIGN = read_signer("11" * 32), read_signer("22" * 32)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Head]:
    folder = tmp_path_factory.mktemp("signed")
    store = open_store(folder, signer=OWN)
    small_run(store, "s", "one")
    return folder, small_run(store, "s", "two").finish()


@pytest.fixture
def audit(signed: tuple[Path, Head], tmp_path: Path) -> Path:
    copy = tmp_path / "audit"
    shutil.copytree(signed[0], copy)
    return copy


def _files(store: DeltaStore) -> TableFiles:
    assert store.files is not None
    return store.files


def _events(audit: Path, study: str = "s") -> list[Row]:
    rows = from_arrow(open_store(audit).read("events", {"study_id": study}))
    return sorted(rows, key=lambda row: int(str(row["seq"])))


def _forged(audit: Path, run: str, steps: list[tuple[str, str]], study: str = "s") -> list[Row]:
    """Events appended with hashes computed anew, the way the product does it."""
    known = _events(audit, study)
    head = head_of(known[-1]) if known else Head()
    at = known[-1]["at"] if known else _events(audit)[-1]["at"]
    rows = [
        {
            "study_id": study,
            "run_id": run,
            "step": step,
            "event": kind,
            "by_user": "ada",
            "at": at,
            "reason": "forged",
            "payload": {"status": "ok", "tables": {}} if kind == "finished" else {},
            "seq": 0,
            "prev_hash": "0" * 64,
        }
        for step, kind in steps
    ]
    linked = link_events(fill_rows(EVENTS, rows), head)
    write_deltalake(audit / "events", to_arrow(EVENTS, linked), mode="append")
    return linked


def _sealed(audit: Path, study: str, run: str, signer: Signer | None = None) -> str:
    store = open_store(audit)
    last = next(row for row in reversed(_events(audit, study)) if row["run_id"] == run)
    return write_seal(_files(store), study, run, head_of(last), last["at"], signer)  # type: ignore[arg-type]


def _append(audit: Path) -> None:
    _forged(audit, "three", [("x", "accepted")])


def _append_to_an_ended_run(audit: Path) -> None:
    _forged(audit, "two", [("x", "accepted")])


def _append_and_finish(audit: Path) -> None:
    _forged(audit, "three", [("x", "accepted"), ("finish", "finished")])


def _append_finish_and_seal(audit: Path) -> None:
    _append_and_finish(audit)
    _sealed(audit, "s", "three")


def _seal_with_another_key(audit: Path) -> None:
    _append_and_finish(audit)
    _sealed(audit, "s", "three", FOREIGN)


def _signature_of_another_seal(audit: Path) -> None:
    _append_and_finish(audit)
    name = _sealed(audit, "s", "three")
    said = json.loads((audit / "_seals" / name).read_text())
    older = json.loads(sorted((audit / "_seals").iterdir())[0].read_text())
    (audit / "_seals" / name).unlink()
    _put(audit, {**said, "signature": older["signature"]})


def _whole_study(audit: Path) -> None:
    small_run(open_store(audit), "invented", "i1")


def _no_seals(audit: Path) -> None:
    shutil.rmtree(audit / "_seals")


def _last_seal_gone(audit: Path) -> None:
    sorted((audit / "_seals").iterdir())[-1].unlink()


def _all_seals_anew(audit: Path) -> None:
    shutil.rmtree(audit / "_seals")
    _sealed(audit, "s", "one")
    _sealed(audit, "s", "two")


def _whole_store_anew(audit: Path) -> None:
    shutil.rmtree(audit)
    small_run(open_store(audit), "s", "one")
    small_run(open_store(audit), "s", "two")


def _last_run_gone_with_its_seal(audit: Path) -> None:
    shutil.rmtree(audit)
    small_run(open_store(audit, signer=OWN), "s", "one")  # what a copy from before the second run holds


def _put(audit: Path, said: object, text: str | None = None, name: str | None = None) -> None:
    """A text under the name that its own hash gives."""
    written = canonical_json(said) if text is None else text
    (audit / "_seals").mkdir(exist_ok=True)
    named = name or f"20300101T000000.000000Z-000009-{sha256_text(written)}.json"
    (audit / "_seals" / named).write_text(written)


PLAIN, KEY, HEAD = "shown by nothing else", "shown by the public key", "shown by a kept head"
KINDS: dict[Callable[[Path], None], str] = {
    _append: KEY,
    _append_to_an_ended_run: PLAIN,
    _append_and_finish: PLAIN,
    _append_finish_and_seal: KEY,
    _seal_with_another_key: KEY,
    _signature_of_another_seal: PLAIN,
    _whole_study: KEY,
    _no_seals: PLAIN,
    _last_seal_gone: PLAIN,
    _all_seals_anew: KEY,
    _whole_store_anew: KEY,
    _last_run_gone_with_its_seal: HEAD,
}


def test_an_untouched_signed_store_is_proven(audit: Path, signed: tuple[Path, Head]) -> None:
    report = verify(open_store(audit), expected_head=str(signed[1]), public_keys=OWN.key)
    assert (report.ok, report.findings, report.unproven) == (True, (), ())
    without = verify(open_store(audit))
    assert without.ok
    assert "not proven: who wrote this (seals are signed, but no public key was given)" in str(without)
    assert "not proven: that no run and no study was taken away" in str(without)


@pytest.mark.parametrize("forge", KINDS, ids=lambda one: one.__name__)
def test_every_forgery_is_shown_by_what_is_said_to_show_it(
    audit: Path, signed: tuple[Path, Head], forge: Callable[[Path], None]
) -> None:
    forge(audit)
    store = open_store(audit)
    alone, keyed = verify(store), verify(store, public_keys=OWN.key)
    headed = verify(store, expected_head=signed[1], public_keys=OWN.key)
    shown = KINDS[forge]
    assert alone.ok == (shown != PLAIN), str(alone)
    if forge is _append:  # an event of a run that goes on: no seal of anybody is due yet
        assert "events study s run three: no signed seal vouches for 1 event: who wrote them is not proven" in str(
            keyed
        )
        assert "not proven: who wrote the events of runs that have not ended" in str(keyed)
        assert "seq 10 run three: after the expected head: accepted by ada" in str(headed)
    else:
        assert keyed.ok == (shown == HEAD), str(keyed)
        assert not headed.ok, str(headed)
    assert alone.unproven


def test_a_genuine_run_does_not_vouch_for_what_was_forged_before_it(audit: Path) -> None:
    _append_finish_and_seal(audit)
    small_run(open_store(audit, signer=OWN), "s", "four")
    said = str(verify(open_store(audit), public_keys=OWN.key))
    assert "it is not signed, and no seal of a key that was given builds upon it" in said
    assert "_seals study s run three: it ended, and no seal signed by a key that was given" in said
    assert "run four" not in said


def test_signed_seals_take_over_a_store_that_had_none(tmp_path: Path) -> None:
    small_run(open_store(tmp_path), "s", "before")
    small_run(open_store(tmp_path, signer=OWN), "s", "after")
    report = verify(open_store(tmp_path), public_keys=[FOREIGN.key, OWN.key])
    assert report.ok, str(report)
    assert not verify(open_store(tmp_path), public_keys=FOREIGN.key).ok


def test_a_study_that_is_not_there_does_not_verify(audit: Path, tmp_path: Path) -> None:
    assert "study gone: no event knows the study" in str(verify(open_store(audit), "gone"))
    assert not verify(open_store(audit), "gone").ok
    assert "there is no event at all" in str(verify(open_store(tmp_path / "nothing")))


def test_every_event_after_a_head_is_named(audit: Path, signed: tuple[Path, Head]) -> None:
    small_run(open_store(audit, signer=OWN), "s", "three")
    report = verify(open_store(audit), expected_head=[str(signed[1])])
    named = [one.where for one in report.findings if "after the expected head" in one.said]
    assert report.ok
    assert named == [f"study s seq {at} run three" for at in range(10, 15)]


def _seal(**changed: object) -> dict[str, object]:
    said: dict[str, object] = {
        "study_id": "s",
        "run_id": "r",
        "head": f"3:{'a' * 64}",
        "through": {},
        "files": {},
        "previous": None,
    }
    return {name: one for name, one in (said | changed).items() if one != "absent"}


NO_SEALS = [
    "",
    "[]",
    "5",
    "null",
    "{",
    "[" * 100_000,
    '{"a":' * 100_000,
    "NaN",
    '{"head":1,"head":1}',
    '"\\ud800"',
    "1" * 5000,
    *(
        json.dumps(_seal(**one))
        for one in (
            {"head": "²:" + "a" * 64},
            {"head": 5},
            {"head": "9" * 5000 + ":" + "a" * 64},
            {"through": 5},
            {"through": []},
            {"through": {"events": "x"}},
            {"through": {"events": -1}},
            {"through": {"events": 1e300}},
            {"files": 7},
            {"files": {"../../etc/passwd": "a" * 64}},
            {"files": {"/etc/passwd": "a" * 64}},
            {"files": {"events/x": 3}},
            {"files": {"events/\x00": "a" * 64}},
            {"previous": 4},
            {"study_id": None},
            {"run_id": "absent"},
            {"more": 1},
            {"signature": 1},
            {"signature": {}},
            {"signature": {"key": "zz", "value": ""}},
            {"replaced": 1},
            {"signature": {"key": "a" * 64, "value": "b" * 128}},
            {"through": {"events": 10**15}},
        )
    ),
]


def test_texts_that_are_no_seals_are_named_and_stop_nobody(audit: Path) -> None:
    for text in NO_SEALS:
        _put(audit, None, text)
    (audit / "_seals" / "notes.json").write_text("{}")
    small_run(open_store(audit, signer=OWN), "s", "later")
    report = verify(open_store(audit), public_keys=OWN.key)
    named = {one.where for one in report.findings if one.severity == "broken"}
    assert not report.ok
    assert {path.name for path in (audit / "_seals").iterdir()} - named == {
        path.name
        for path in sorted((audit / "_seals").iterdir())
        if '"signature":{"key":"' + OWN.key in path.read_text()
    }


def test_a_seal_of_the_far_future_is_no_ground_to_build_upon(tmp_path: Path) -> None:
    small_run(open_store(tmp_path), "s", "one")
    _put(tmp_path, _seal(through={"events": 10**15}))
    _put(tmp_path, _seal(through={"events": 1}), name=None)
    small_run(open_store(tmp_path), "s", "two")
    texts = [path.read_text() for path in (tmp_path / "_seals").iterdir() if not path.name.startswith("2030")]
    covered = {file for text in texts for file in json.loads(text)["files"]}
    commits = {f"events/_delta_log/{path.name}" for path in (tmp_path / "events" / "_delta_log").glob("*.json")}
    assert commits <= covered


def test_seals_as_a_file_stop_no_run_and_are_named(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    small_run(store, "s", "one")
    shutil.rmtree(tmp_path / "_seals")
    (tmp_path / "_seals").write_text("x")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        small_run(store, "s", "two")
    assert any("not sealed" in str(one.message) for one in said)
    report = verify(store)
    assert "_seals: Seals cannot be read or written" in str(report)
    (tmp_path / "_seals").unlink()
    for run in ("one", "two"):
        small_run(store, "s", run)
    assert verify(store).ok


@pytest.mark.parametrize(
    "line", ["[" * 100_000, "{" * 100_000, '{"add":' + "[" * 100_000, '{"add":5}', "\x00", "5", ""]
)
def test_a_log_of_anything_is_named(audit: Path, line: str) -> None:
    log = audit / "coefficients" / "_delta_log" / f"{1:020d}.json"
    log.write_text(line)
    report = verify(open_store(audit))
    assert any(
        log.name in str(one) and one.table == "coefficients" for one in report.findings if one.severity == "broken"
    )


ODD_TEXTS = [
    '{"status":"ok","tables":5}',
    '{"status":"ok","tables":{"coefficients":5}}',
    "[" * 100_000,
    "7",
    "",
    "{",
    '{"x":1,"x":1}',
    '{"coefficients":5}',
    '{"coefficients":{"fit":[]}}',
    '{"status":"ok","own_events":3}',
]


@pytest.mark.parametrize("column", ["payload", "wrote"])
def test_events_that_say_anything_are_no_end_of_the_look(audit: Path, column: str) -> None:
    known = _events(audit)[-1]
    rows = [
        {**known, "run_id": f"odd {at}", "step": "finish", "event": "finished", "seq": 10 + at, column: text}
        | ({"payload_sha256": sha256_text(text)} if column == "payload" else {})
        for at, text in enumerate(ODD_TEXTS)
    ]
    linked = link_events(rows, head_of(known))
    write_deltalake(audit / "events", to_arrow(EVENTS, linked), mode="append")
    report = verify(open_store(audit))
    assert not report.ok
    for at in range(len(ODD_TEXTS)):
        assert f"study s run odd {at}: it ended, and no seal holds its last event" in str(report)
    small_run(open_store(audit, signer=OWN), "s", "later")
    small_run(open_store(audit, signer=OWN), "t", "other")


ODD_HEADS = [
    "",
    "x",
    "5",
    ":",
    "²:" + "a" * 64,
    "1" * 5000 + ":" + "a" * 64,
    "-1:" + "0" * 64,
    "1:" + "g" * 64,
    "\x00",
    "1e3:" + "a" * 64,
    "9:" + "A" * 64,
    "\ud800",
    5,
    1.5,
    {"9": 1},
    [[]],
]


def test_heads_that_are_none_are_named(audit: Path) -> None:
    report = verify(open_store(audit), expected_head=ODD_HEADS)  # type: ignore[arg-type]
    assert len([one for one in report.findings if "is not a head" in one.said]) == len(ODD_HEADS)
    for head in (5, b"9:aa", "²:" + "a" * 64, ("9:b",)):
        assert "is not a head" in str(verify(open_store(audit), expected_head=head))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "key", ["", "x", "11" * 31, "-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----", "ssh-rsa AAAA"]
)
def test_a_key_that_is_none_is_refused(audit: Path, key: str) -> None:
    with pytest.raises(ConfigError, match=r"key .*cannot be read"):
        verify(open_store(audit), public_keys=key)


def test_keys_come_from_the_environment_a_file_or_a_vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret = Ed25519PrivateKey.generate()
    pem = secret.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = secret.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    line = secret.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    for name, content in (("key.pem", pem), ("public.pem", public), ("key.pub", line)):
        (tmp_path / name).write_bytes(content)
    store = tmp_path / "audit"
    monkeypatch.setenv("GLM_SEAL_KEY", pem.decode())
    small_run(open_store(store), "s", "of the environment")
    monkeypatch.delenv("GLM_SEAL_KEY")
    monkeypatch.setenv("GLM_SEAL_KEY_FILE", str(tmp_path / "key.pem"))
    small_run(open_store(store), "s", "of a file")
    vault = Signer(public.decode(), secret.sign)
    small_run(open_store(store, signer=vault), "s", "of a vault")
    for key in (public.decode(), line.decode(), vault.key, str(tmp_path / "public.pem"), tmp_path / "key.pub"):
        report = verify(open_store(store), public_keys=key)
        assert report.ok, str(report)
    assert not any(b"PRIVATE" in path.read_bytes() for path in store.rglob("*") if path.is_file())


def test_a_key_inside_the_store_and_a_key_that_is_none_are_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "audit"
    store.mkdir()
    (store / "key").write_text("11" * 32)
    monkeypatch.setenv("GLM_SEAL_KEY_FILE", str(store / "key"))
    with pytest.raises(ConfigError, match="lies in the store it seals"):
        small_run(open_store(store), "s", "one")
    monkeypatch.setenv("GLM_SEAL_KEY", "secret")
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        small_run(open_store(store), "s", "one")
    assert "secret" not in str(caught.value).replace("secret key", "")
    assert open_store(store).read("events").num_rows == 0


@pytest.mark.parametrize(
    "where", ["events/_delta_log", "coefficients/_delta_log", "events", "events/*.parquet", "_seals/*.json"]
)
@pytest.mark.parametrize("as_folder", [False, True])
def test_a_file_in_place_of_a_folder_or_the_other_way_is_named(audit: Path, where: str, as_folder: bool) -> None:
    place = sorted(audit.glob(where))[0]
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    place.mkdir() if as_folder else place.write_text("x")
    store = open_store(audit, signer=OWN)
    assert not verify(store, public_keys=OWN.key).ok
    for ask in (lambda: history(store), lambda: small_run(store, "s", "later")):
        with contextlib.suppress(StoreError):
            ask()
