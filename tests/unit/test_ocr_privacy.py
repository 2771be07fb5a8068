"""The engine that reads pictures keeps and sends nothing about this machine."""

import os
import subprocess
import sys
from pathlib import Path

READ = "import numpy; from PIL import Image; from app.reading.ocr import Ocr;"
READ += " Ocr().read(Image.fromarray(numpy.full((64, 200, 3), 255, numpy.uint8)))"


def test_the_engine_makes_no_id_for_the_machine(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", READ], env=environment, check=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
