"""Audio files out of a .deb, without installing it: ar, tar, and the archives and fonts inside.

Names in a package are never used as paths, so that none of them can lead out of the folder.
"""

import contextlib
import io
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, NamedTuple

from tinyalm.audio import SUFFIXES
from tinyalm.errors import DataError
from tinyalm_distill.gather import soundfont

_ARCHIVES = frozenset({".pk3", ".wz", ".zip"})  # by other names: id Tech 3's and Warzone's
_MOST_BYTES = 8 << 30  # that one package may unpack to
_MOST_OF_ONE = 512 << 20  # of one audio file
_AR = b"!<arch>\n"
_HEADER = 60  # bytes before each member of an ar archive
_BROKEN = (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError)
_BROKEN_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    RuntimeError,
)


class Member(NamedTuple):
    """One audio file of a package: its ``name`` there, and where its content lies now."""

    name: str
    path: Path


def unpack(deb: Path, folder: Path) -> list[Member]:
    """Unpack the audio files of a package into ``folder``, under numbers.

    Args:
        deb: the package.
        folder: an empty folder.

    Returns:
        The files in the package's order; those that a damaged archive inside holds are missing.

    Raises:
        DataError: it is no .deb, damaged, compressed in a way that Python cannot read, or unpacks
            to too much.
        OSError: ``folder`` cannot be written.
    """
    spool = _Spool(folder)
    with data_tar(deb) as tar:
        for info in tar:
            spool.spend(info.size)
            content = tar.extractfile(info) if info.isreg() else None
            if content is not None:
                spool.take(info.name, info.size, content)
    return spool.members


@contextlib.contextmanager
def data_tar(deb: Path) -> Iterator[tarfile.TarFile]:
    """The archive of a package's files, to be read once from its beginning.

    Raises:
        DataError: as `unpack` says, also for what shows while it is read.
    """
    with deb.open("rb") as file:
        try:
            # tarfile asks no more of a stream than to be read.
            with tarfile.open(fileobj=_data(file), mode="r|*") as tar:  # type: ignore[call-overload]
                yield tar
        except _BROKEN as error:
            raise DataError(f"damaged ({error}); download it again") from None


class _Spool:
    """The folder that audio files are unpacked to, and how much there may be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = _MOST_BYTES
        self.members: list[Member] = []

    def spend(self, size: int) -> None:
        """Count unpacked bytes.

        Raises:
            DataError: there are too many.
        """
        self._left -= size
        if self._left < 0:
            raise DataError(f"unpacks to more than {_MOST_BYTES} bytes")

    def take(self, name: str, size: int, content: IO[bytes]) -> None:
        """Keep a file if it is audio, and the audio files in it if it is an archive."""
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in SUFFIXES and 0 < size <= _MOST_OF_ONE:
            path = self._folder / str(len(self.members))
            _copy(content, path)
            self.members.append(Member(name, path))
        elif suffix in _ARCHIVES or suffix in soundfont.SUFFIXES:
            archive = self._folder / "archive"
            _copy(content, archive)
            with contextlib.suppress(*_BROKEN_ARCHIVE):
                if suffix in _ARCHIVES:
                    with zipfile.ZipFile(archive) as packed:
                        self._take_zipped(name, packed)
                else:
                    self._take_samples(name, archive)
            archive.unlink()

    def _take_samples(self, outer: str, font: Path) -> None:
        for name, sample in soundfont.samples(font):
            self.spend(len(sample))
            self.take(f"{outer}/{name}.wav", len(sample), io.BytesIO(sample))

    def _take_zipped(self, outer: str, packed: zipfile.ZipFile) -> None:
        for info in packed.infolist():
            suffix = PurePosixPath(info.filename).suffix.lower()
            if suffix in SUFFIXES:
                self.spend(info.file_size)
                with packed.open(info) as content:
                    self.take(f"{outer}/{info.filename}", info.file_size, content)


def _copy(content: IO[bytes], path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)


def _data(file: BinaryIO) -> "_Part":
    """The member of an ar archive that holds a package's files."""
    if file.read(len(_AR)) != _AR:
        raise DataError("no Debian package; download it again")
    while len(header := file.read(_HEADER)) == _HEADER:
        name = header[:16].decode("ascii", "replace").strip().rstrip("/")
        size = header[48:58].strip()
        if not size.isdigit():
            break
        if name.startswith("data.tar"):
            if name.endswith(".zst"):
                raise DataError(f"{name}: Python cannot read Zstandard; leave the package out")
            return _Part(file, int(size))
        file.seek(int(size) + int(size) % 2, 1)
    raise DataError("damaged (it holds no data.tar); download it again")


class _Part:
    """The next bytes of a file as a file of their own."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int) -> bytes:
        """At most ``size`` of the bytes left."""
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data
