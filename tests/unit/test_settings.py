"""Settings: flags, then variables, then the file, then defaults; nothing is silently ignored."""

from pathlib import Path

import pytest

from app.settings import Settings, SettingsError, load_settings


def test_a_flag_beats_a_variable_beats_the_file_beats_the_default(tmp_path: Path) -> None:
    file = tmp_path / "livetrail.toml"
    file.write_text('port = 1001\nhost = "10.0.0.1"\nworkers = 3\n')
    settings, sources = load_settings(
        {"port": 1003, "host": None},
        {"LIVETRAIL_PORT": "1002", "LIVETRAIL_HOST": "10.0.0.2", "HOME": "/root"},
        file,
    )
    assert (settings.port, settings.host, settings.workers) == (1003, "10.0.0.2", 3)
    assert sources["port"] == "flag"
    assert sources["host"] == "environment"
    assert sources["workers"] == f"file {file}"
    assert sources["data_dir"] == "default"


@pytest.mark.parametrize(
    "environ", [{"LIVETRAIL_PROT": "1"}, {"LIVETRAIL_CONFIG": "there-is-no-such-file.toml"}]
)
def test_an_unknown_key_or_file_is_an_error(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        load_settings({}, environ, Path("absent.toml"))


def test_an_unknown_key_in_the_file_is_named_with_its_file(tmp_path: Path) -> None:
    file = tmp_path / "livetrail.toml"
    file.write_text("prot = 8080\n")
    with pytest.raises(SettingsError, match="'prot' .*livetrail.toml"):
        load_settings({}, {}, file)


def test_an_impossible_value_is_named_with_its_source() -> None:
    with pytest.raises(SettingsError, match="'port' .environment. can not be 'many'"):
        load_settings({}, {"LIVETRAIL_PORT": "many"}, Path("absent.toml"))


def test_origins_are_a_comma_separated_list() -> None:
    settings, _ = load_settings(
        {}, {"LIVETRAIL_ALLOWED_ORIGINS": "https://a.example, https://b.example"}, Path("absent")
    )
    assert settings.allowed_origins == ("https://a.example", "https://b.example")


def test_every_setting_says_what_it_is() -> None:
    silent = [name for name, field in Settings.model_fields.items() if not field.description]
    assert silent == []


@pytest.mark.parametrize(
    "origin", ["*", "null", "app.example.org", "https://a.org/", "https://A.org"]
)
def test_an_origin_that_no_browser_sends_is_an_error(origin: str) -> None:
    with pytest.raises(SettingsError, match="'allowed_origins' .* is no origin"):
        load_settings({}, {"LIVETRAIL_ALLOWED_ORIGINS": f"https://b.org,{origin}"}, Path("absent"))


@pytest.mark.parametrize("value", ["inf", "nan", "-1"])
def test_a_time_that_no_clock_can_tell_is_an_error(value: str) -> None:
    with pytest.raises(SettingsError, match="'step_timeout_s'"):
        load_settings({}, {"LIVETRAIL_STEP_TIMEOUT_S": value}, Path("absent.toml"))


@pytest.mark.parametrize("content", [b"host = ", b'host = "\xff"'])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "livetrail.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match="livetrail.toml can not be read"):
        load_settings({}, {}, file)
