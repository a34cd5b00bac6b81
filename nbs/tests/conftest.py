"Tests run side by side, one per core (see .pytest.ini); what they measured is listed at the end"
import os
import signal

import pytest

if "PYTEST_XDIST_WORKER" in os.environ: os.environ.setdefault("OMP_NUM_THREADS", "1")   # a core each; notebooks inherit it
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:      # pytest was started in the background: some tests press Ctrl-C all the same
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def t2v(capfd, tmp_path, monkeypatch):
    "A call of `t2v` in this process and in an empty folder: its status, its stdout, the lines of its stderr"
    monkeypatch.chdir(tmp_path)

    def call(*args):
        from t2v_learn.cli import run
        capfd.readouterr()
        status = run([str(a) for a in args])
        out, err = capfd.readouterr()
        return status, out, err.splitlines()
    return call


def pytest_terminal_summary(terminalreporter):
    "All that `record_property` was told, by test"
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind) if report.user_properties]
    if reports: terminalreporter.section("measured")
    for report in reports:
        terminalreporter.line(report.nodeid.split("/")[-1])
        for name, value in report.user_properties: terminalreporter.line(f"    {name}: {value}")
