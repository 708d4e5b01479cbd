"""The audit of a finished run: it derives everything anew, and shares no code with what it audits.

`verify` leads through all checks; each other file holds those of one subject.
"""

from .verify import UNDERIVABLE, Audit, Check, audit_run, audit_table

__all__ = ["UNDERIVABLE", "Audit", "Check", "audit_run", "audit_table"]
