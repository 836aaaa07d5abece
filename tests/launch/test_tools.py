import pytest
from launch import tools
from launch.errors import LaunchError

GOOD = {"node": "v20.20.2", "npm": "11.0.1", "cargo": "cargo 1.95.0 (f2d3)", "cc": "cc (Debian) 12"}


def test_everything_there_is_no_complaint() -> None:
    tools.require(tools.BUILD_TOOLS, lambda tool: GOOD[tool.command])


def test_all_that_is_missing_is_named_at_once_with_the_command_that_gets_it() -> None:
    found = {**GOOD, "node": "v18.1.0", "cargo": None}
    with pytest.raises(LaunchError) as caught:
        tools.require(tools.BUILD_TOOLS, lambda tool: found[tool.command])
    text = str(caught.value)
    assert "Node.js is too old (18.1.0)" in text
    assert "Rust is missing" in text
    assert text.count("sudo apt-get install") == 2
    assert "npm" not in text


def test_a_command_that_is_not_on_the_path_is_missing() -> None:
    tool = tools.Tool("no-such-command-here", "Nothing", (1,), "Get it.")
    assert tools.installed_version(tool) is None
