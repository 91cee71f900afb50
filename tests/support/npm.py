# SPDX-License-Identifier: GPL-3.0-or-later
"""npm packages held to their hash, and programs of node that use them."""
import base64
import hashlib
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def npm_package(name, version, sha512):
    """The folder of one npm package, fetched once by npm's own client and held to its pinned hash; nothing it depends on, no script of it run."""
    made = ROOT / "build" / "npm" / f"{name}-{version}"
    if made.is_dir():
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    new = pathlib.Path(tempfile.mkdtemp(dir=made.parent))
    subprocess.run(["npm", "pack", f"{name}@{version}", "--silent"], cwd=new, check=True, stdout=subprocess.DEVNULL)
    (archive,) = new.glob("*.tgz")
    assert base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() == sha512, f"{archive.name} is not what was pinned"
    subprocess.run(["tar", "-xzf", archive.name], cwd=new, check=True)
    shutil.rmtree(made, ignore_errors=True)
    (new / "package").rename(made)
    shutil.rmtree(new)
    return made


def node_folder(folder, packages):
    """A folder whose node_modules holds these packages ({name: (version, sha512)}): programs in it may import them."""
    modules = pathlib.Path(folder) / "node_modules"
    modules.mkdir(parents=True)
    for name, pinned in packages.items():
        shutil.copytree(npm_package(name, *pinned), modules / name)
    return pathlib.Path(folder)
