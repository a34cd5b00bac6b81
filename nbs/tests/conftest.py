"Tests run side by side, one per core (see .pytest.ini); what they measured is listed at the end"
import os

if "PYTEST_XDIST_WORKER" in os.environ: os.environ.setdefault("OMP_NUM_THREADS", "1")   # a core each; notebooks inherit it


def pytest_terminal_summary(terminalreporter):
    "All that `record_property` was told, by test"
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind) if report.user_properties]
    if reports: terminalreporter.section("measured")
    for report in reports:
        terminalreporter.line(report.nodeid.split("/")[-1])
        for name, value in report.user_properties: terminalreporter.line(f"    {name}: {value}")
