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


@pytest.fixture
def one_thread():
    "Small models are too small to share: two threads would mostly wait for each other, above all on a busy machine"
    import torch
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def clock(monkeypatch):
    "The trainer's clock, which only moves when it is told to, so that a busy machine does not matter"
    from toys import data

    class Clock:
        now = 1000.0
        def perf_counter(self): return self.now
        def step(self, seconds): return lambda step: setattr(self, "now", self.now + seconds) or data(step)
        def wait(self, seconds): return lambda trainer: setattr(self, "now", self.now + seconds)
    clock = Clock()
    monkeypatch.setattr("t2v_learn.training.loop.time", clock)
    return clock


@pytest.fixture(scope="module")
def encoder():
    "The BERT that came by pip"
    from t2v_learn.text.bert import TextEncoder
    return TextEncoder()


@pytest.fixture(scope="module")
def batch(encoder):
    "Four clips, and the states of their captions"
    from t2v_learn.video.datasets import WorldData
    from t2v_learn.video.world import World
    video, captions = WorldData(World("tiny"), 4, seed=5)(0)
    return video, encoder(captions)


@pytest.fixture
def gan(encoder):
    "A small GAN with fresh weights, fitted to captions"
    import torch
    from small_gan import SMALL

    from t2v_learn.gan.gan import GANConfig, VideoGAN
    from t2v_learn.video.datasets import WorldData
    from t2v_learn.video.world import World
    torch.manual_seed(0)
    gan = VideoGAN(GANConfig(**SMALL))
    gan.fit_text(encoder(WorldData(World("tiny"), 32, seed=5)(0)[1]))
    return gan


def pytest_terminal_summary(terminalreporter):
    "All that `record_property` was told, by test"
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind) if report.user_properties]
    if reports: terminalreporter.section("measured")
    for report in reports:
        terminalreporter.line(report.nodeid.split("/")[-1])
        for name, value in report.user_properties: terminalreporter.line(f"    {name}: {value}")
