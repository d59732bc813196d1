#!/usr/bin/env python3
"""package.py CYCLONEDX_GOMOD: build each function of functions/ for both processors into bin/dist/: the executable, the zip
that Lambda takes, its software bill of materials (CycloneDX, JSON), and the SHA-256 of all of them.

Each function is built twice, the second time from a copy of the tree in another directory and without the build cache.
If the two differ, this fails. GOFLAGS and CGO_ENABLED come from the Makefile, as they do for sam build, so that what is
deployed is what is described here.
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIST = ROOT / "bin" / "dist"
ARCHITECTURES = {"arm64": "arm64", "x86_64": "amd64"}  # as Lambda calls them, as Go does


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def build(tree, function, goarch, to, **env):
    subprocess.run(["go", "build", "-o", to, f"./functions/{function}"], cwd=tree, check=True,
                   env={**os.environ, "GOOS": "linux", "GOARCH": goarch, **env})


def copy_of_the_tree(to):
    """Copy what git knows, and what it would add, with the changes that are not committed."""
    for name in output("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        source = ROOT / name
        if source.suffix in (".go", ".mod", ".sum") and source.exists():
            target = to / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def pack(executable, to):
    """Zips hold times and modes: fixed ones make equal zips of equal executables."""
    entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
    entry.create_system, entry.external_attr, entry.compress_type = 3, 0o100755 << 16, zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr(entry, executable.read_bytes())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sbom = pathlib.Path(sys.argv[1]).resolve()
    version = output("git", "describe", "--tags", "--always", "--dirty")
    shutil.rmtree(DIST, ignore_errors=True)
    with tempfile.TemporaryDirectory() as tmp:
        again = pathlib.Path(tmp) / "again"
        copy_of_the_tree(again)
        for directory in sorted((ROOT / "functions").iterdir()):
            if not (directory / "main.go").exists():
                continue
            for arch, goarch in ARCHITECTURES.items():
                name = f"{directory.name}-{arch}"
                first, second = DIST / name / "bootstrap", pathlib.Path(tmp) / name
                build(ROOT, directory.name, goarch, first)
                build(again, directory.name, goarch, second, GOCACHE=str(pathlib.Path(tmp) / "cache"))
                if first.read_bytes() != second.read_bytes():
                    sys.exit(f"package: two builds of {name} differ: something of this machine went into the executable")
                pack(first, DIST / f"{name}.zip")
                subprocess.run([sbom, "bin", "-json", "-std", "-noserial", "-version", version,
                                "-output", DIST / f"{name}.cdx.json", first], check=True)
                print(f"{name}: two builds, the same {first.stat().st_size} bytes; zip {(DIST / f'{name}.zip').stat().st_size}", flush=True)
    files = sorted(path for path in DIST.rglob("*") if path.is_file())
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(DIST)}\n" for path in files)
    (DIST / "SHA256SUMS").write_text(sums)
    print(sums, end="")


main()
