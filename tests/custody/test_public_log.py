"""The public log, read by a client that knows the specifications and nothing of our code."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

import pytest
from django.db import connection
from django.test import Client

from evidence import custody
from evidence.custody.epochs import signing_key
from evidence.custody.head import keep_head
from evidence.custody.recovery import open_epoch_after_loss
from evidence.formats import checkpoint as notes
from evidence.gateways.current import current

pytestmark = pytest.mark.django_db
LOG_TABLES = (
    "evidence_stamp", "evidence_checkpoint", "custody_node", "custody_subject", "custody_entry",
    "evidence_logepoch",
)  # fmt: skip


def hashed(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@dataclass(frozen=True)
class Head:
    origin: str
    size: int
    root: bytes


class Monitor:
    """A reader of C2SP tlog-checkpoint, tlog-tiles and RFC 6962; it trusts no single answer."""

    def __init__(self, prefix: str = "/log") -> None:
        self.prefix, self.client = prefix, Client()

    def get(self, path: str):
        return self.client.get(f"{self.prefix}/{path}")

    def body(self, path: str) -> bytes:
        answer = self.get(path)
        assert answer.status_code == 200, path
        return answer.content

    def head(self) -> Head:
        origin, size, root = self.body("checkpoint").decode().split("\n")[:3]
        return Head(origin, int(size), base64.b64decode(root))

    def tile(self, level: str, index: int, width: int) -> bytes:
        digits = str(index).zfill(-(-len(str(index)) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        return self.body(f"tile/{level}/{name}" + (f".p/{width}" if width < 256 else ""))

    def node(self, level: int, place: int, size: int) -> bytes:
        """Return the hash of the complete subtree over 256**level entries."""
        count = size // 256**level
        width = min(256, count - place // 256 * 256)
        data = self.tile(str(level), place // 256, width)
        assert len(data) == 32 * width
        return data[place % 256 * 32 :][:32]

    def root(self, low: int, high: int, size: int) -> bytes:
        """Return MTH(D[low:high]), from the highest tiles that hold it."""
        count = high - low
        level = (count.bit_length() - 1) // 8
        if count == 256**level:
            return self.node(level, low // count, size)
        split = 1 << ((count - 1).bit_length() - 1)
        left, right = self.root(low, low + split, size), self.root(low + split, high, size)
        return hashed(b"\x01" + left + right)

    def entries(self, size: int) -> list[bytes]:
        found = []
        for index in range(-(-size // 256)):
            width = min(256, size - index * 256)
            data = self.tile("entries", index, width)
            while data:
                length = int.from_bytes(data[:2], "big")
                found.append(data[2 : 2 + length])
                data = data[2 + length :]
        return found

    def included(self, index: int, head: Head) -> bool:
        """RFC 9162 section 2.1.3.2."""
        answer = self.get(f"inclusion?index={index}&size={head.size}").json()
        node, last = index, head.size - 1
        value = hashed(b"\x00" + bytes.fromhex(answer["digest"]))
        for one in map(bytes.fromhex, answer["inclusion"]):
            if node & 1 or node == last:
                value = hashed(b"\x01" + one + value)
                while not node & 1 and node:
                    node, last = node >> 1, last >> 1
            else:
                value = hashed(b"\x01" + value + one)
            node, last = node >> 1, last >> 1
        return last == 0 and value == head.root

    def consistent(self, old: Head, new: Head) -> bool:
        """RFC 9162 section 2.1.4.2."""
        answer = self.get(f"consistency?old={old.size}&new={new.size}").json()
        path = [bytes.fromhex(one) for one in answer["consistency"]]
        if old.size & (old.size - 1) == 0:
            path.insert(0, old.root)
        node, last = old.size - 1, new.size - 1
        while node & 1:
            node, last = node >> 1, last >> 1
        before = after = path[0]
        for one in path[1:]:
            if last == 0:
                return False
            if node & 1 or node == last:
                before, after = hashed(b"\x01" + one + before), hashed(b"\x01" + one + after)
                while not node & 1 and node:
                    node, last = node >> 1, last >> 1
            else:
                after = hashed(b"\x01" + after + one)
            node, last = node >> 1, last >> 1
        return (before, after, last) == (old.root, new.root, 0)


@pytest.fixture
def published(log_of, now):
    """Grow the log to a number of entries and cut a checkpoint there."""

    def publish(size: int) -> bytes:
        epoch = custody.current_epoch()
        log_of(size - custody.log_size(epoch) + 1 if epoch else size)
        return bytes(custody.cut_checkpoint(now).note)

    return publish


@pytest.mark.parametrize("size", [1, 2, 7, 255, 256, 257, 515])
def test_the_root_follows_from_the_tiles_alone(published, size):
    published(size)
    monitor = Monitor()

    head = monitor.head()

    assert head.size == size
    assert monitor.root(0, size, size) == head.root


def test_every_leaf_follows_from_the_entry_bundles(published):
    published(300)
    monitor = Monitor()

    entries = monitor.entries(300)

    assert {len(entry) for entry in entries} == {32}
    leaves = b"".join(hashed(b"\x00" + entry) for entry in entries)
    assert leaves == monitor.tile("0", 0, 256) + monitor.tile("0", 1, 44)


def test_a_monitor_sees_that_the_log_only_grows(published):
    monitor = Monitor()
    heads = []
    for size in (1, 5, 8, 13):
        published(size)
        heads.append(monitor.head())

    for old in heads:
        for new in heads:
            if old.size < new.size:
                assert monitor.consistent(old, new)
    assert all(monitor.included(index, heads[-1]) for index in range(13))


def test_a_monitor_convicts_an_operator_who_tells_the_log_anew(
    published, guards_down, log_event, now, var_dir
):
    published(6)
    monitor = Monitor()
    seen = monitor.head()
    with guards_down(), connection.cursor() as cursor:
        for table in LOG_TABLES:
            cursor.execute(f"DELETE FROM {table}")
    (var_dir / "log-head.json").unlink()
    for number in range(8):
        log_event(event_id=f"told anew {number}")
    custody.cut_checkpoint(now)

    assert not monitor.consistent(seen, monitor.head())


def test_what_is_not_signed_for_is_not_given_out(published, log_event):
    published(5)
    log_event()
    custody.sequence_pending()

    assert Monitor().get("tile/0/000.p/6").status_code == 404
    assert Monitor().get("inclusion?index=5&size=6").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/001", "tile/1/000", "tile/0/000", "tile/0/0", "tile/64/000", "tile/0/000.p/256",
        "tile/entries/000.p/9", "tile/0/x999/x999/x999/x999/x999/x999/999", "checkpoints/4",
        "checkpoints/99999999999999999999999", "2/checkpoint", "99999999999999999999/checkpoint",
        "inclusion", "inclusion?index=5&size=5", "inclusion?index=-1&size=5",
        "inclusion?index=٣&size=5", "inclusion?index=1&size=99999999999999999999",
        "consistency?old=6&new=5", "consistency?old=1", "consistency?old=01&new=5", "tile/../checkpoint",
    ],
)  # fmt: skip
def test_what_is_not_there_gets_the_answer_of_any_wrong_address(published, path):
    published(5)
    client = Client()

    answer, other = client.get(f"/log/{path}"), client.get("/no-such-address")

    assert answer.status_code == other.status_code == 404
    assert page(answer) == page(other)


def page(answer) -> list[str]:
    """Return the page without what changes with every request or repeats the address."""
    changing = ("csrfmiddlewaretoken", 'name="next"')
    lines = answer.content.decode().splitlines()
    return [line for line in lines if not any(word in line for word in changing)]


def test_a_log_that_never_began_has_nothing():
    assert Monitor().get("checkpoint").status_code == 404


def test_full_tiles_may_be_kept_for_ever_and_the_checkpoint_never(published):
    published(256)
    kept = {
        path: Monitor().get(path).headers["Cache-Control"]
        for path in ("checkpoint", "1/checkpoint", "1/tile/0/000", "1/tile/entries/000",
                     "1/checkpoints/256", "tile/0/000")
    }  # fmt: skip
    assert kept == {
        "checkpoint": "no-store",
        "1/checkpoint": "no-store",
        "1/tile/0/000": "public, max-age=31536000, immutable",
        "1/tile/entries/000": "public, max-age=31536000, immutable",
        "1/checkpoints/256": "public, max-age=31536000, immutable",
        "tile/0/000": "public, max-age=60",
    }


def test_content_types_are_those_of_the_specification(published):
    published(256)
    monitor = Monitor()
    assert monitor.get("checkpoint").headers["Content-Type"] == "text/plain; charset=utf-8"
    assert monitor.get("tile/0/000").headers["Content-Type"] == "application/octet-stream"
    assert monitor.get("tile/entries/000").headers["Content-Type"] == "application/octet-stream"
    assert monitor.get("inclusion?index=0&size=1").headers["Content-Type"] == "application/json"
    assert not monitor.get("checkpoint").cookies


def test_the_checkpoint_is_the_note_as_signed(published):
    note = published(3)
    assert Monitor().body("checkpoint") == note
    assert Monitor().body("1/checkpoints/3") == note


def test_nobody_writes_to_the_public_log(published):
    published(1)
    assert Client(enforce_csrf_checks=True).post("/log/checkpoint").status_code in (403, 405)
    assert Client().post("/log/checkpoint").status_code == 405
    assert Client().head("/log/checkpoint").status_code == 200


def test_a_former_epoch_stays_readable_under_its_number(published, now):
    published(5)
    before = Monitor("/log/1").head()
    _lose_entries(now)

    assert Monitor("/log/1").head() == before
    assert Monitor("/log/1").root(0, 5, 5) == before.root
    assert Monitor().head().origin.endswith("/2")


def _lose_entries(now) -> None:
    """Keep a head that says more was published than is here, and recover from it."""
    epoch = custody.current_epoch()
    text = notes.checkpoint_text(epoch.origin, 50, bytes(32))
    keep_head(notes.sign_note(text, signing_key(epoch), current().log_key.sign))
    open_epoch_after_loss(loss="The disk failed.", at=now)
    custody.cut_checkpoint(now)
