"""The hash of the program itself: it moves with code and data, and with nothing else."""

from gridbazaar.sim import resuming
from gridbazaar.sim.checkpoint import origin_problems
from gridbazaar.sim.code_sum import code_sum, sum_of_files


def test_it_moves_with_code_and_data_alone(tmp_path):
    room = tmp_path / "sim"
    (room / "__pycache__").mkdir(parents=True)
    (room / "a.py").write_text("x = 1")
    (room / "b.csv").write_text("1,2")

    def now():
        return sum_of_files(tmp_path, ("sim",))

    before = now()
    (room / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"compiled")
    (room / ".hidden").write_text("no part of it")
    (tmp_path / "other.py").write_text("in no room")
    assert now() == before
    (room / "b.csv").write_text("1,3")
    changed = now()
    (room / "b.csv").rename(room / "c.csv")
    assert len({before, changed, now()}) == 3


def test_a_checkpoint_of_other_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(resuming, "world_sum", lambda world: "inputs")
    origin = resuming.origin_of(None)
    assert origin["code"] == code_sum()
    (told,) = origin_problems(tmp_path, {**origin, "code": "older"}, origin)
    assert "other code of gridbazaar" in told and "begin anew" in told
