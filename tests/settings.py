"""The project's settings over a var directory that lives as long as the test run.

Variables of the person running the tests are dropped, except the database to test on.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

for _name in [name for name in os.environ if name.startswith("TRUETHREAD_")]:
    if _name != "TRUETHREAD_DATABASE_URL":
        del os.environ[_name]
_var_dir = tempfile.mkdtemp(prefix="truethread-tests-")
os.environ["TRUETHREAD_VAR_DIR"] = _var_dir
atexit.register(shutil.rmtree, _var_dir, ignore_errors=True)

# Fonts take a while to prepare and are the same for every run: those of the set-up serve.
_fonts = Path(__file__).resolve().parent.parent / "var" / "fonts"
_fonts.mkdir(parents=True, exist_ok=True)
(Path(_var_dir) / "fonts").symlink_to(_fonts)

from project.settings import *  # noqa: E402, F403  after the variables are set

# Argon2 is slow on purpose; passwords of tests protect nothing.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
