"""Makes one file of the scheduler and the app's engine, which node can run."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / ".cache" / "sync" / "main.mjs"


def build() -> Path:
    """Bundle it anew: that takes less time than to find out whether it has to be."""
    command = ["npx", "--no-install", "vite", "build", "--logLevel=warn"]
    config = ["--config", str(Path(__file__).with_name("vite.config.mjs"))]
    subprocess.run([*command, *config], cwd=ROOT / "pwa", check=True)
    return BUNDLE
