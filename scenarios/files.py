"""File names in a scenario: relative to its folder, and not out of it unless it says so."""

from __future__ import annotations

from pathlib import Path

from .problems import ScenarioError, problem


def inside(folder: Path, name: str, path: str, allow_outside: bool) -> Path:
    """Path of a file that a scenario names.

    Parameters
    ----------
    folder : Path
        The scenario's folder.
    name : str
        As the scenario has it.
    path : str
        Key in the scenario, for the message.
    allow_outside : bool
        The scenario's `allow_outside_files`.

    Returns
    -------
    Path
        Resolved, symbolic links followed.

    Raises
    ------
    ScenarioError
        If the name leads out of the folder, cannot be a file's name, or is a pipe or a device.

    Examples
    --------
    >>> try:
    ...     inside(Path("/studies"), "../secret.csv", "profiles.load", False)
    ... except ScenarioError as error:
    ...     print(error.problems[0][:66])
    scenario: profiles.load: ../secret.csv: leads out of the scenario'
    """
    try:
        found = (folder / name).resolve()
        home = folder.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        wrong = "cannot be a file's name"
        raise ScenarioError([problem("scenario", path, name, wrong, "give a file name")]) from error
    if not allow_outside and not found.is_relative_to(home):
        remedy = "move the file there or set allow_outside_files: true"
        wrong = "leads out of the scenario's folder"
        raise ScenarioError([problem("scenario", path, name, wrong, remedy)])
    if is_special(found):
        wrong, remedy = "is a pipe or a device, whose reading may never end", "give a file"
        raise ScenarioError([problem("scenario", path, name, wrong, remedy)])
    return found


def is_special(path: Path) -> bool:
    """Whether a name leads to what is neither a file nor a folder.

    Examples
    --------
    >>> is_special(Path("/dev/null")), is_special(Path("no-such-file"))
    (True, False)
    """
    try:
        return path.exists() and not path.is_file() and not path.is_dir()
    except (OSError, ValueError):  # too long, or not ours to look at: told where it is read
        return False
