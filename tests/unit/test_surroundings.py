"""What code that is not the server's own is told of the environment."""

import pytest

from app.pipeline.surroundings import passed_on


@pytest.mark.parametrize(
    "name",
    ["PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "PYTHONPATH", "LD_LIBRARY_PATH"],
)
def test_where_libraries_are_and_the_language_are_known(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "here")
    assert passed_on()[name] == "here"


@pytest.mark.parametrize(
    "name",
    [
        "LIVETRAIL_MODEL_API_KEY",
        "LANGCHAIN_API_KEY",
        "LANGFUSE_SECRET_KEY",
        "LD_SDK_KEY",
        "HOMEBREW_GITHUB_API_TOKEN",
        "HOME_ASSISTANT_TOKEN",
        "PYTHON_KEYRING_PASSWORD",
        "PATHWAY_LICENSE_KEY",
    ],
)
def test_a_key_is_not_passed_on_because_its_name_begins_like_another(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "hush")
    assert name not in passed_on()
