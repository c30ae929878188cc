"""Pictures beside a party: added on the way, shown as a copy of our own, frozen into the bundle."""

from __future__ import annotations

import io
import json
import re
from hashlib import sha256

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from evidence import custody
from evidence.actions.advance import run_to_end
from evidence.actions.party_pictures import MOST_PER_PARTY, PictureRefused, add_party_picture
from evidence.actions.request_export import export_request
from evidence.archive.blobs import open_blob
from evidence.formats import bundle, canonical, manifest
from evidence.gateways.current import current
from evidence.management.attacks.bundles import Bag
from evidence.models import Blob, Draft, Export, PartyPicture
from evidence.verify import engine, offline
from tests.web.test_wizard import RULE, Walk, text_of

GPS = "shot at 48.2082 N, 16.3738 E"


def photo(colour: str = "red", kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x010E] = GPS
    out = io.BytesIO()
    Image.new("RGB", (640, 480), colour).save(out, kind, exif=exif)
    return out.getvalue()


def sent(data: bytes, name: str = "profile.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "image/jpeg")


@pytest.fixture
def walk(alice, stored):
    found = Walk(alice, stored(alice))
    found.to("messages")
    return found


def field(walk, key: str = "p2") -> str:
    return f"pictures-{walk.series[0].public_id}-{key}"


def add(walk, *files, key: str = "p2", **more):
    data = {field(walk, key): list(files), "add": f"{walk.series[0].public_id}-{key}"}
    return walk.send("parties", data | {"go": ""} | more)


def shown(walk):
    page = walk.page("parties")
    part = page.partition('<img src="/drafts/')[2].partition('"')[0]
    return walk.client.get(f"/drafts/{part}")


def test_a_picture_is_kept_and_shown_as_a_copy_without_its_details(walk):
    answer = add(walk, sent(photo()))

    assert answer["Location"].endswith(f"/parties/#who-{walk.series[0].public_id}-p2")
    picture = shown(walk)
    assert (picture.status_code, picture["Content-Type"]) == (200, "image/jpeg")
    assert GPS.encode() not in picture.content
    assert picture["X-Content-Type-Options"] == "nosniff"
    assert picture["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert picture["Cache-Control"] == "private, no-store"
    assert Image.open(io.BytesIO(picture.content)).size == (640, 480)


def test_adding_a_picture_keeps_the_names_that_were_typed(walk):
    add(walk, sent(photo()), **{f"name-{walk.series[0].public_id}-p2": "Li Lei"})

    assert 'value="Li Lei"' in walk.page("parties")


def test_adding_is_logged_without_a_hash_of_it(walk):
    add(walk, sent(photo()))

    entries = [one.entry for one in custody.entries_of("series", walk.series[0].public_id)]
    (entry,) = [one for one in entries if "picture" in one.details]
    assert entry.event == "acquisition.received"
    assert dict(entry.details) == {"picture": PartyPicture.objects.get().public_id}
    about = walk.client.get(f"/conversations/{walk.series[0].public_id}/about/")
    assert "Picture of a participant received" in text_of(about)


def test_it_is_encrypted_at_rest(walk, settings):
    data = photo()
    add(walk, sent(data))

    assert b"profile" not in bytes(PartyPicture.objects.get().payload)
    for path in settings.TRUETHREAD_VAR_DIR.rglob("*"):
        if path.is_file():
            assert GPS.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    "data",
    [b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"MZ\x90\x00",
     photo()[:-400] + b"<script>", b"GIF89a" + bytes(30), b""],
    ids=["svg", "program", "cut off", "another kind", "empty"],
)  # fmt: skip
def test_what_is_no_picture_is_refused_in_words_and_nothing_is_kept(walk, data):
    answer = add(walk, sent(data, "x.jpg"))

    assert answer.status_code == 400
    assert not PartyPicture.objects.exists()
    assert "x.jpg: This is not a JPEG" in text_of(answer)


def test_a_picture_that_is_too_large_is_refused(walk, monkeypatch):
    monkeypatch.setattr("evidence.web.wizard_parties.LARGEST", 1_000)

    assert "too large" in text_of(add(walk, sent(photo())))


def test_there_are_only_so_many_and_the_same_one_is_added_once(walk):
    colours = ["red", "green", "blue", "white", "black", "yellow", "orange"]
    add(walk, *(sent(photo(one)) for one in ["red", "red"]))
    assert PartyPicture.objects.count() == 1
    answer = add(walk, *(sent(photo(one)) for one in colours))
    assert "as many pictures as there can be" in text_of(answer)
    assert PartyPicture.objects.count() == MOST_PER_PARTY


def test_a_removed_picture_is_destroyed(walk):
    before = Blob.objects.count()
    add(walk, sent(photo()))
    walk.send("parties", {"remove": PartyPicture.objects.get().public_id, "go": ""})

    assert not PartyPicture.objects.exists()
    assert Blob.objects.count() == before


def test_a_dropped_draft_takes_its_pictures_along_and_a_bundle_keeps_its_own(walk):
    add(walk, sent(photo()))
    walk.client.post(f"{walk.address}delete/")
    assert not PartyPicture.objects.exists()


def test_a_bundle_keeps_pictures_whose_draft_is_gone(walk):
    add(walk, sent(photo()))
    export = walk.confirm()
    walk.client.post(f"{walk.address}delete/")

    assert not Draft.objects.exists()
    assert run_to_end(export.job.pk).phase == "ready"


def test_what_was_added_since_looking_over_is_not_confirmed(walk):
    seen = re.search(r'name="seen_all" value="(\w+)"', walk.page("confirm"))[1]
    add(walk, sent(photo()))
    assert walk.client.post(f"{walk.address}confirm/", {"seen_all": seen}).status_code == 409


def test_a_participant_of_another_conversation_gets_nothing(walk, alice, now):
    add(walk, sent(photo()), key="p99")

    assert not PartyPicture.objects.exists()


def test_a_picture_belongs_to_its_draft_alone(walk, alice, bob, charlie, stored):
    add(walk, sent(photo()))
    picture = PartyPicture.objects.get()
    other = alice.client.post("/drafts/", {"series": walk.series[0].public_id})
    address = other["Location"].replace("purpose/", f"pictures/{picture.public_id}")
    for actor in (alice, bob, charlie):
        assert actor.client.get(address).status_code == 404
    assert walk.client.get(f"{walk.address}pictures/{picture.public_id}").status_code == 200


def test_erasing_the_conversation_destroys_its_pictures(walk, alice):
    from django.utils import timezone

    from evidence.actions.erase_conversation import erase_conversation
    from evidence.values import Actor

    add(walk, sent(photo()))
    page = walk.client.get(f"/conversations/{walk.series[0].public_id}/delete/")
    assert "1 picture added beside a participant" in text_of(page)
    erase_conversation(
        conversation=walk.series[0].conversation, actor=Actor("operator", "x"), reason="",
        at=timezone.now(),
    )  # fmt: skip
    assert not PartyPicture.objects.exists()


def bag_of(export: Export) -> dict[str, bytes]:
    with open_blob(export.artifacts.get(kind="zip").blob) as file:
        data = file.read()
    source = io.BytesIO(data)
    return {
        member.name: b"".join(bundle.content(source, member))
        for member in bundle.read_zip(source, len(data))
    }


@pytest.fixture
def tampered(walk, tmp_path):
    """Change a bundle with two pictures and judge it, offline and by the engine."""
    add(walk, sent(photo()), sent(photo("blue")))
    export = walk.confirm()
    assert run_to_end(export.job.pk).phase == "ready"
    good = tmp_path / "good.zip"
    with open_blob(export.artifacts.get(kind="zip").blob) as file:
        good.write_bytes(file.read())

    def judge(change) -> set[str]:
        bag = Bag(good)
        change(bag, *sorted(one for one in bag.files if one.startswith(bundle.PARTICIPANTS)))
        path = bag.write(tmp_path / "bad.zip")
        trust = offline.trust_of(current().roots, current().trust)
        reports = [offline.verify(path, trust=trust), engine.verify(path, trust=trust)]
        assert {one.indication for one in reports} == {reports[0].indication}
        assert reports[0].indication in ("TOTAL_PASSED", "TOTAL_FAILED")
        if reports[0].indication == "TOTAL_FAILED":
            assert {one.reason for one in reports} == {"altered"}
        return {one.check for one in reports[0].findings if one.outcome == "failed"}

    return judge


def _edit(bag, first, second):
    bag.flip(first, 700)


def _edit_and_fit(bag, first, second):
    bag.flip(first, 700)
    bag.restate()


def _remove(bag, first, second):
    del bag.files[first]


def _remove_and_fit(bag, first, second):
    del bag.files[first]
    bag.restate()


def _exchange(bag, first, second):
    bag.files[first], bag.files[second] = bag.files[second], bag.files[first]


def _exchange_and_fit(bag, first, second):
    _exchange(bag, first, second)
    bag.restate()


def _add(bag, first, second):
    bag.files[first.replace("-1.", "-9.")] = bag.files[first]
    bag.restate()


def _give_to_another(bag, first, second):
    found = canonical.loads(bag.files[bundle.MANIFEST])
    people = found["series"][0]["participants"]
    people[0]["stated"], people[1]["stated"] = (
        people[1]["stated"],
        {"basis": None, "by": "x", "name": ""},
    )
    bag.rebag(canonical.dumps(found))


def _unname(bag, first, second):
    found = canonical.loads(bag.files[bundle.MANIFEST])
    for one in found["series"][0]["participants"]:
        one.pop("stated", None)
    bag.rebag(canonical.dumps(found))


def _misspell(bag, first, second):
    found = canonical.loads(bag.files[bundle.MANIFEST])
    for one in found["series"][0]["participants"]:
        one["stated"] = {"basis": None, "by": "x", "name": "", "pictures": [{"path": first}]}
    bag.rebag(canonical.dumps(found))


ATTACKS = [
    (_edit, {"files"}), (_edit_and_fit, {"attachments", "manifest"}),
    (_remove, {"files"}), (_remove_and_fit, {"attachments", "manifest"}),
    (_exchange, {"files"}), (_exchange_and_fit, {"attachments", "manifest"}),
    (_add, {"attachments", "manifest"}), (_give_to_another, {"manifest"}),
    (_unname, {"attachments", "manifest"}), (_misspell, {"attachments", "manifest"}),
]  # fmt: skip


def test_a_picture_edited_removed_added_or_given_to_another_makes_the_bundle_altered(tampered):
    assert tampered(lambda bag, *_paths: None) == set()
    for change, checks in ATTACKS:
        assert checks <= tampered(change), change.__name__


def test_the_bundle_holds_the_untouched_file_and_names_it_beside_the_participant(walk):
    data = photo()
    name = "../../etc/\u202epwned\r\nX: 1.jpg"
    add(walk, sent(data, name), **{f"name-{walk.series[0].public_id}-p2": "Li Lei"})
    export = walk.confirm()
    assert export_request(export)[0].parties[0].pictures

    job = run_to_end(export.job.pk)

    assert (job.phase, job.error_code) == ("ready", "")
    bag = bag_of(export)
    series = walk.series[0].public_id
    path = f"data/participants/{series}/p2-1.jpg"
    assert bag[path] == data
    found = manifest.loads(bag[bundle.MANIFEST])
    (one,) = manifest.pictures_of(found.series[0])
    assert (one.path, one.sha256, one.size) == (path, sha256(data).digest(), len(data))
    assert one.media_type == "image/jpeg"
    stated = next(p for p in found.series[0].participants if p["key"] == "p2")["stated"]
    assert stated["name"] == "Li Lei"
    assert json.dumps(stated["pictures"][0]["by"])


def test_a_party_can_have_a_picture_and_no_name(walk):
    add(walk, sent(photo(kind="WEBP"), "shot.webp"))
    export = walk.confirm()
    assert run_to_end(export.job.pk).phase == "ready"
    assert any(name.endswith("/p2-1.webp") for name in bag_of(export))


def test_who_is_not_named_in_the_bundle_has_no_picture_in_it(walk):
    add(walk, sent(photo()))
    walk.send("messages", RULE | {"messages": "1"})  # of Ana alone
    export = walk.confirm()
    run_to_end(export.job.pk)
    assert not [name for name in bag_of(export) if name.startswith("data/participants/")]


def test_a_racing_request_cannot_add_what_the_page_would_refuse(walk, alice, now):
    from evidence.values import Actor

    draft = Draft.objects.get()
    with pytest.raises(PictureRefused):
        add_party_picture(
            draft=draft, series=walk.series[0], party="p2", data=b"x" * 20_000_000, name="x",
            actor=Actor("person", "x"), at=now,
        )  # fmt: skip
