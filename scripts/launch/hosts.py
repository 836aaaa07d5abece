"""What the tests of the roads need: root's network namespaces, and the programs of a VDS."""

import os
import shutil
import subprocess
from collections.abc import Callable

from launch import debian
from launch.errors import LaunchError

PACKAGES = {
    "ip": "iproute2",
    "nft": "nftables",
    "sysctl": "procps",
    "openssl": "openssl",
    "certutil": "libnss3-tools",
    "nginx": "nginx-light",
    "turnserver": "coturn",
}
"""The package of each program."""

SERVICES = ("nginx", "coturn")
"""Packages that start a server of their own, which nobody here has asked for."""


def require(say: Callable[[str], None]) -> None:
    """See that hosts can be made; installs what is missing.

    Raises:
        LaunchError: they cannot be made by this user, or on this machine.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise LaunchError(
            "The roads are proved on hosts of their own, which only root may make: "
            "sudo scripts/test roads."
        )
    missing = {program: PACKAGES[program] for program in PACKAGES if shutil.which(program) is None}
    if missing:
        debian.install(", ".join(missing), tuple(missing.values()), say)
        for service in SERVICES:
            if service in missing.values() or f"{service}-light" in missing.values():
                _stop(service)
    probe = f"hearth-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "delete", probe], capture_output=True, check=False)
    if made.returncode != 0:
        raise LaunchError(
            "The roads cannot be proved here: this machine lets nobody make network namespaces. "
            "Run scripts/test roads where `ip netns add` works."
        )


def _stop(service: str) -> None:
    """Stop what an installation has started, now and after the next boot."""
    for command in (["systemctl", "disable", "--now", service], ["service", service, "stop"]):
        if shutil.which(command[0]) is not None:
            subprocess.run(command, capture_output=True, check=False)
