"""How far the run without the market is derived: who could curtail what, and where that ends."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from tampering import SUMS, failed, failed_as_it_is, replaced, with_column

from gridbazaar.analysis.audit import UNDERIVABLE
from gridbazaar.analysis.audit.money import NO_P2P
from gridbazaar.analysis.audit.second_run import REACH

FILE = "no_p2p_exchange.parquet"
MOVED_KWH = 0.5
UTILITY = "the utility's account follows from the bills and its purchases"


def moved(run, givers, taker, energy):
    """Let homes curtail less and export more in a frame, in equal shares, another the reverse."""
    table = pq.read_table(run / FILE)
    curtailed = table.column("curtailed_kwh").to_numpy()
    share = energy / curtailed[givers].sum() * curtailed[givers]
    for column, sign in (("curtailed_kwh", -1), ("net_export_kwh", 1), ("export_kwh", 1)):
        values = table.column(column).to_numpy().copy()
        values[givers] += sign * share
        values[taker] -= sign * energy
        table = with_column(table, column, values.tolist())
    replaced(run / FILE, table)


@pytest.fixture
def homes(run):
    """Rows of the frame in which most was curtailed, by who did."""
    table = pq.read_table(run / FILE).to_pandas()
    sums = table.groupby("frame_id", observed=True).curtailed_kwh.sum()
    frame = table[table.frame_id == sums.idxmax()]
    members = pq.read_table(run / "members.parquet").to_pandas().set_index("prosumer")
    frame = frame.join(members[["pv_kwp", "battery_kwh"]], on="prosumer")
    return frame[frame.battery_kwh == 0.0]


def test_energy_moved_to_a_home_that_had_none_to_curtail_shows(run, homes):
    sun = homes.net_export_kwh + homes.load_kwh + homes.curtailed_kwh  # of homes without a battery
    taker = sun[(homes.curtailed_kwh == 0.0) & (homes.pv_kwp > 0.0)].idxmin()
    givers = homes.index[homes.curtailed_kwh > 0.0].to_numpy()
    # Within the sun of its frame, but not of the hours in which there was something to curtail.
    energy = 0.99 * min(homes.net_export_kwh[taker], homes.curtailed_kwh.sum())
    assert MOVED_KWH < energy < sun[taker]
    moved(run, givers, taker, energy)
    assert REACH in failed(run)


def test_what_a_home_curtails_where_nobody_does_shows(run):
    table = pq.read_table(run / FILE)
    curtailed = table.column("curtailed_kwh").to_numpy()
    quiet = int(np.flatnonzero(curtailed == 0.0)[0])
    values = curtailed.tolist()
    values[quiet] += 0.01
    replaced(run / FILE, with_column(table, "curtailed_kwh", values))
    assert REACH in failed(run)


def test_which_of_two_homes_curtailed_is_said_not_to_be_derivable(run, homes):
    # Both curtailed: but for the hashes only their bills differ, which could be made to fit.
    giver, taker = homes.nlargest(2, "curtailed_kwh").index
    assert homes.curtailed_kwh[taker] > MOVED_KWH
    moved(run, [giver], taker, MOVED_KWH)
    assert SUMS in failed_as_it_is(run)
    assert set(failed(run)) <= {NO_P2P, UTILITY}
    assert {"no_p2p_total", "saving", "saving_operation_effect"} <= set(UNDERIVABLE["bills.csv"])
    assert {"curtailed_kwh", "net_export_kwh", "export_kwh"} <= set(UNDERIVABLE[FILE])
