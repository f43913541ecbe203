"""What every test may rely on: the run's profile, its seed, and the Hypothesis settings that go with them.

    pytest --lockstep-profile=dev|ci|nightly    how much to try; default dev, or ci where the environment says CI=true
    pytest --lockstep-seed=N                    where simulations and walks start; default 0, so that runs repeat

Tests marked `nightly` run under the nightly profile only.
"""

import argparse
import os

import pytest
from hypothesis import HealthCheck, settings

PROFILES = ("dev", "ci", "nightly")

# Built on "default", not on what is current: where CI=true, Hypothesis starts with a derandomized profile of its own.
# deadline and too_slow measure the machine, not the protocol: both are off, so that a busy machine fails no test.
_COMMON = settings(
    settings.get_profile("default"),
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
_HYPOTHESIS = {
    "dev": settings(_COMMON, max_examples=50),
    # The same examples in every run, so that a red build can be repeated from its commit alone.
    "ci": settings(_COMMON, max_examples=100, derandomize=True, database=None),
    "nightly": settings(_COMMON, max_examples=1000),
}


def _seed(text: str) -> int:
    """The seed that `text` spells; refused if negative, because `random.Random(-n)` is `random.Random(n)`."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed: give a whole number, 0 or greater")
    return int(text)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of the run."""
    group = parser.getgroup("lockstep")
    group.addoption(
        "--lockstep-profile",
        choices=PROFILES,
        default="ci" if os.environ.get("CI", "").lower() == "true" else "dev",
        help="how much to try: dev, ci or nightly (default: dev, or ci where CI=true)",
    )
    group.addoption(
        "--lockstep-seed", type=_seed, default=0, metavar="N", help="seed of simulations and walks (default: 0)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Load the Hypothesis profile of the same name; `--hypothesis-profile`, read later, still wins."""
    for name, profile in _HYPOTHESIS.items():
        settings.register_profile(name, profile)
    settings.load_profile(config.getoption("--lockstep-profile"))


def pytest_report_header(config: pytest.Config) -> str:
    """The line that a reader needs to repeat the run."""
    return f"lockstep: profile={config.getoption('--lockstep-profile')} seed={config.getoption('--lockstep-seed')}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is marked `nightly` unless the profile is nightly."""
    if config.getoption("--lockstep-profile") == "nightly":
        return
    skip = pytest.mark.skip(reason="nightly: run with --lockstep-profile=nightly")
    for item in items:
        if item.get_closest_marker("nightly") is not None:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def lockstep_profile(pytestconfig: pytest.Config) -> str:
    """The profile of the run: `dev`, `ci` or `nightly`."""
    return str(pytestconfig.getoption("--lockstep-profile"))


@pytest.fixture(scope="session")
def lockstep_seed(pytestconfig: pytest.Config) -> int:
    """The seed of the run, 0 or greater, for `random.Random(seed)` and for `simulate`."""
    return int(pytestconfig.getoption("--lockstep-seed"))
