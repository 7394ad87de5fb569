"""A bundle and the page as one static folder, complete or not there at all."""

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tinyalm.bundle import MANIFEST, BundleManifest, read_bundle
from tinyalm.errors import ConfigError, ExportError
from tinyalm.policy import Policy
from tinyalm.signing import signature_of
from tinyalm_export.web.headers import headers_file

PAGE = Path(__file__).parent / "page"  # what `make page` builds
INDEX, SITE, POLICY, HEADERS_FILE = "index.html", "site.js", "policy.json", "_headers"
NOT_KEPT = (HEADERS_FILE, "sw.js")  # by the service worker


@dataclass(frozen=True)
class WebFolder:
    """What was written.

    Attributes:
        bundle: name of the student.
        files: bytes of every file, by its path in the folder.
    """

    bundle: str
    files: dict[str, int]


def export_web(
    bundle: Path, out: Path, *, policy: Policy | None = None, page: Path = PAGE
) -> WebFolder:
    """Write the static folder ``out``: the page, ONNX Runtime's WebAssembly, and ``bundle``.

    Args:
        bundle: a bundle's folder; every hash is checked.
        out: a folder that is not there yet, or an empty one.
        policy: what the page may ask of the model; by default all but sensitive inferences.
        page: the page as built.

    Raises:
        ConfigError: ``out`` holds something, or the policy asks what no page can do.
        ExportError: the page was not built.
        BundleError: no bundle, or a damaged one.
    """
    _check_target(out)
    if policy:
        _check_policy(policy)
    if not (page / INDEX).is_file():
        raise ExportError(
            f"{page}: the page was not built; run 'make page' in tinyalm's source (needs node "
            "and npm), or install a wheel that has it"
        )
    manifest = read_bundle(bundle)
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        written = _fill(work, bundle, manifest, policy, page)
        work.chmod(0o755)
        work.rename(out)  # an empty folder gives way
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return written


def _check_target(out: Path) -> None:
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigError(f"{out}: exists and is no empty folder; choose another name")


def _check_policy(policy: Policy) -> None:
    if policy.audit is not None:
        raise ConfigError(f"{policy.name}: audit: a page writes no log; leave it out")
    if policy.speech != "keep":
        raise ConfigError(f"{policy.name}: speech = {policy.speech!r}: pages know 'keep' alone")


def _fill(
    work: Path, bundle: Path, manifest: BundleManifest, policy: Policy | None, page: Path
) -> WebFolder:
    shutil.copytree(page, work, dirs_exist_ok=True, copy_function=shutil.copyfile)
    # The folder is named by its content, so that caches may keep it for ever.
    folder = f"bundle-{_sha256(bundle / MANIFEST)[:12]}"
    signature = signature_of(Path(MANIFEST))
    signed = [signature.name] if (bundle / signature).is_file() else []
    for name in (MANIFEST, *signed, *manifest.files):
        target = work / folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle / name, target)
    if policy:
        (work / POLICY).write_bytes(msgspec.json.encode(policy))
    (work / HEADERS_FILE).write_text(headers_file())
    files = [file for file in sorted(work.rglob("*")) if file.is_file()]
    names = {file.relative_to(work).as_posix(): file for file in files}
    hashes = {name: _sha256(file) for name, file in names.items()}
    later = [f"{folder}/{name}" for name in _asked_later(manifest)]
    site = {
        "digest": hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()[:16],
        "bundle": f"{folder}/",
        "policy": POLICY if policy else None,
        "files": [SITE, *(name for name in names if name not in (*NOT_KEPT, *later))],
        "later": later,
    }
    (work / SITE).write_text(f"self.TINYALM_SITE = {json.dumps(site)};\n")
    sizes = {name: file.stat().st_size for name, file in names.items()}
    return WebFolder(manifest.name, {**sizes, SITE: (work / SITE).stat().st_size})


def _asked_later(manifest: BundleManifest) -> list[str]:
    """Files that the page fetches and keeps when a caption is first asked for."""
    caption = manifest.caption
    return [caption.graph.file, caption.tokenizer] if caption else []


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
