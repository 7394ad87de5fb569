"""The page in Chromium: runtimes/web/e2e, where everything that it needs is there."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.process import environment
from tinyalm_export.web.folder import INDEX, PAGE

WEB = Path(__file__).parents[2] / "runtimes" / "web"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
NEEDS = {
    "node is not installed": shutil.which("npm") is not None,
    "Chromium is not installed": CHROMIUM is not None,
    "npm's packages are not installed: make page": (WEB / "node_modules" / ".bin").is_dir(),
    "the page is not built: make page": (PAGE / INDEX).is_file(),
    "the library is not built: make page": (WEB / "dist" / "index.js").is_file(),
}
MISSING = next((reason for reason, there in NEEDS.items() if not there), None)


@pytest.mark.slow
@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
def test_the_page_in_chromium(tmp_path):
    # The same package in a process of its own, wherever it is installed.
    command = tmp_path / "tinyalm"
    scratch = tempfile.mkdtemp()  # a path that is short enough for Chromium's sockets
    command.write_text(
        f"#!{sys.executable}\nimport signal; signal.signal(2, signal.default_int_handler)\n"
        "from tinyalm.cli.main import run; run()\n"
    )
    command.chmod(0o755)
    done = subprocess.run(
        ["npm", "run", "--silent", "e2e"],
        cwd=WEB,
        env=environment(TINYALM=str(command), CHROMIUM=str(CHROMIUM), TMPDIR=scratch),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(Path(scratch).glob("tinyalm-*"))
    shutil.rmtree(scratch)
