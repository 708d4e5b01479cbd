"""Radial feeders: library, power flow, limits, sensitivities, export envelope."""

from .branches import BranchFlows, branch_flows, complex_voltages, flows_from_voltages
from .envelope import admit_exports
from .feeder import Feeder, OpenTie
from .library import FeederEntry, feeder_index, feeder_names, load_feeder
from .limits import VoltageJudgement, VoltageLimits, judge_voltages, overvoltage_ceiling
from .power_flow import STATUS_NAMES, PowerFlow, solve_power_flow
from .problems import FeederError
from .sensitivity import dv_dp, dv_dq, sensitivity_to

__all__ = [
    "STATUS_NAMES",
    "BranchFlows",
    "Feeder",
    "FeederEntry",
    "FeederError",
    "OpenTie",
    "PowerFlow",
    "VoltageJudgement",
    "VoltageLimits",
    "admit_exports",
    "branch_flows",
    "complex_voltages",
    "dv_dp",
    "dv_dq",
    "feeder_index",
    "feeder_names",
    "flows_from_voltages",
    "judge_voltages",
    "load_feeder",
    "overvoltage_ceiling",
    "sensitivity_to",
    "solve_power_flow",
]
