"""A good bundle made by the service itself, and the means of an attacker who knows all formats."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from evidence.formats import bundle, canonical, manifest
from evidence.formats.manifest import FileEntry
from evidence.verify import offline
from evidence.verify.offline.bundle_tokens import read_pem

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Service:
    """A deployment in a folder of its own, with two bundles of the sample conversations."""

    folder: Path
    bundle: Path
    excerpt: Path
    root: Path

    @property
    def receipt(self) -> bytes:
        return self.bundle.with_name(f"{self.bundle.name}.receipt.json").read_bytes()

    def manage(self, *arguments: str) -> str:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TRUETHREAD_")}
        own = {"DJANGO_SETTINGS_MODULE": "project.settings", "TRUETHREAD_VAR_DIR": str(self.folder)}
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=REPOSITORY,
            env=kept | own,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    folder = tmp_path_factory.mktemp("service")
    (folder / "fonts").symlink_to(REPOSITORY / "var" / "fonts")
    made = Service(
        folder, folder / "demo" / "sample-bundle.zip", folder / "x", folder / "pki" / "root.pem"
    )
    made.manage("migrate", "--verbosity", "0")
    made.manage("demo")
    chat = folder / "demo" / "source" / "sample-wechat.csv"
    stored = json.loads(made.manage("acquire", str(chat), "--timezone", "Asia/Shanghai", "--json"))
    answer = json.loads(
        made.manage(
            "export", "--conversation", stored["conversations"][0]["id"], "--messages", "2-4,6",
            "--redact", "3", "--out", str(folder / "excerpt"), "--json",
        )
    )  # fmt: skip
    return replace(made, excerpt=Path(answer["zip"]))


class Bag:
    """The files of a bundle in memory, to be changed and packed again."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self.files = {
                member.name: b"".join(bundle.content(file, member))
                for member in bundle.read_zip(file, path.stat().st_size)
            }

    def replace(self, name: str, old: bytes, new: bytes) -> None:
        assert old in self.files[name], f"{old!r} is not in {name}"
        self.files[name] = self.files[name].replace(old, new, 1)

    def flip(self, name: str, offset: int) -> None:
        data = bytearray(self.files[name])
        data[offset] ^= 0x01
        self.files[name] = bytes(data)

    def lines(self, name: str) -> list[bytes]:
        return self.files[name].splitlines(keepends=True)

    @property
    def manifest(self) -> manifest.Manifest:
        return manifest.loads(self.files[bundle.MANIFEST])

    def restate(self, stated: manifest.Manifest | None = None) -> None:
        """Make manifest and BagIt files fit the other files again, as far as that needs no key."""
        found = stated or self.manifest
        derived = {bundle.BAG_INFO, bundle.PAYLOAD_SHA256, bundle.TAGS_SHA256, bundle.BAGIT}
        entries = {
            name: FileEntry(name, len(data), sha256(data).digest())
            for name, data in self.files.items()
            if name not in derived - {bundle.BAGIT}
        }
        listed = tuple(entries[name] for name in sorted(entries) if name not in bundle.UNLISTED)
        found = replace(found, files=listed)
        self.files[bundle.MANIFEST] = canonical.dumps(found.value())
        data = self.files[bundle.MANIFEST]
        entries[bundle.MANIFEST] = FileEntry(bundle.MANIFEST, len(data), sha256(data).digest())
        entries.pop(bundle.BAGIT)
        self.files |= bundle.bag_files(found, entries)

    def write(self, path: Path) -> Path:
        with path.open("wb") as out:
            bundle.write_zip(
                out,
                {name: (len(data), partial(_once, data)) for name, data in self.files.items()},
            )
        return path


def _once(data: bytes) -> Iterator[bytes]:
    yield data


@pytest.fixture
def bag(service: Service) -> Bag:
    return Bag(service.bundle)


@pytest.fixture
def excerpt(service: Service) -> Bag:
    return Bag(service.excerpt)


Judge = Callable[[Bag | bytes | Path], offline.Report]


@pytest.fixture
def judge(service: Service, tmp_path: Path) -> Judge:
    """Verify a changed bundle as a stranger does, with the development root named."""
    trust = offline.trust_of(read_pem(service.root.read_bytes()))

    def verify(thing: Bag | bytes | Path) -> offline.Report:
        path = thing if isinstance(thing, Path) else tmp_path / "judged.zip"
        if isinstance(thing, Bag):
            thing.write(path)
        elif isinstance(thing, bytes):
            path.write_bytes(thing)
        return offline.verify(path, trust=trust, processes=1)

    return verify
