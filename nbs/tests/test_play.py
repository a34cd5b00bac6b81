"The page to play on: turns, limits, what is refused at the door, several visitors, closed tabs, and a browser without a network"
import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.client import HTTPConnection
from importlib.util import find_spec

import numpy as np
import pytest
from refusals import sentence
from rerun import offline, root
from small_model import small_model
from runs import find_browser

from t2v_learn import play
from t2v_learn.core import InputError
from t2v_learn.play import (Drawing, Guard, Limits, Playground, State, Turns, Verdict, Wish, check_wish, draw_clip, escape,
                            example_prompts, read_back, state_html)
from t2v_learn.video.clips import Clip
from t2v_learn.video.world import DIGITS, World, caption, render

SECONDS = 60       # after which something that should have happened never will
PROMPT = "a red circle moving right"
BAD_PROMPTS = ["x" * 10**6, "x" * 301, "", " \n", "?!", "\ud800", None, 7, ["a red circle"], {"text": "a red circle"}, True]
BAD_NUMBERS = [-1, 0.5, float("nan"), float("inf"), -float("inf"), 1e400, 10**400, True, "7", "7; drop", [7], {}]
NASTY = "a red circle <script>document.title='run'</script><img src=x onerror=alert(1)> ${1+1} {{2}} \"' moving right"

pytestmark = pytest.mark.usefixtures("one_thread")
gradio = pytest.mark.skipif(find_spec("gradio") is None, reason='gradio is not installed: pip install -e ".[play]"')


def wait_until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture
def playground(model):
    playground = Playground(model, Limits(at_once=3))
    yield playground
    playground.stop_all()


# --- what may be asked

def test_a_wish_is_read():
    assert check_wish("  a red \n circle ", 7.0, 13, 1) == Wish("a red circle", 7, 13, 1.0)
    assert check_wish("ein Kreis, 円", 2**53 - 1, 100, 20) == Wish("ein Kreis, 円", 2**53 - 1, 100, 20.0)


@pytest.mark.parametrize("prompt", BAD_PROMPTS, ids=lambda value: repr(value)[:20])
def test_a_prompt_refused(prompt):
    assert len(sentence(check_wish, prompt)) < 200


@pytest.mark.parametrize("number", BAD_NUMBERS, ids=lambda value: repr(value)[:20])
def test_a_number_refused(number):
    assert "seed" in sentence(check_wish, PROMPT, number)
    assert "from 0 to 9,007,199,254,740,991" in sentence(check_wish, PROMPT, None), "all of its digits"
    assert "steps" in sentence(check_wish, PROMPT, 0, number)
    if number != 0.5: assert "guidance" in sentence(check_wish, PROMPT, 0, 1, number)


# --- turns

def calls_in_order(wanted):
    "Who makes which call, where all wait before the first one"
    turns, made = Turns(), []

    def draw(name, n):
        with turns:
            for _ in range(n):
                turns.pass_on()
                made.append(name)
    with turns:
        threads = [threading.Thread(target=draw, args=one) for one in wanted.items()]
        for k, thread in enumerate(threads):
            thread.start()
            wait_until(lambda: len(turns.line) == k + 2)      # noqa: B023
    for thread in threads: thread.join()
    assert not turns.line
    return "".join(made)


def test_each_makes_a_call_in_turn():
    assert sorted(calls_in_order(dict(a=5, b=5, c=5))[:3]) == list("abc")


@pytest.mark.parametrize("wanted", [dict(a=9, b=9, c=9), dict(a=40, b=3, c=7), dict(a=1, b=40, c=40)])
def test_nobody_waits_for_another_longer_than_for_the_own_clip(wanted):
    "Between the first and the last call of each, no other makes more calls than it does, up to the one that is under way"
    order = calls_in_order(wanted)
    for one, n in wanted.items():
        until = order[:order.rindex(one) + 1]
        assert all(until.count(other) <= n + 1 for other in wanted if other != one)


def test_an_error_gives_the_turn_away():
    turns = Turns()
    with pytest.raises(RuntimeError), turns: raise RuntimeError
    with turns: pass


# --- drawing

def test_the_clip_is_that_of_the_model(model):
    *states, last = Drawing(model, Wish(PROMPT, 5, 6, 2.0), Turns())
    assert np.array_equal(last.clip.frames, model(PROMPT, seed=5, num_inference_steps=6, guidance_scale=2.0).frames)
    steps = [state.step for state in states]
    assert steps == sorted(steps) and last.step == last.steps == 6
    assert last.way[0][0] == 1 and last.way[-1][0] == 6 and last.noisy.frames.shape == last.clip.frames.shape


def test_together_each_gets_the_clip_it_would_get_alone(model):
    turns = Turns()
    wishes = [Wish(PROMPT, seed, steps) for seed, steps in ((1, 9), (2, 4), (3, 9))]
    with turns: drawings = [Drawing(model, wish, turns) for wish in wishes]
    for wish, drawing in zip(wishes, drawings):
        alone = draw_clip(model, wish, lambda predict: predict)
        assert np.array_equal(list(drawing)[-1].clip.frames, alone.frames)


def test_a_gan_is_drawn_in_one_pass(gan, encoder):
    from t2v_learn.gan.train import TextToVideoGAN
    about = dict(shape=[3, 8, 32, 32], fps=8.0, words=["red"])
    model = TextToVideoGAN(gan.generator, encoder, about, "cpu", "fp32")
    *_, last = Drawing(model, Wish(PROMPT, 3, 50, 7.0), Turns())
    assert np.array_equal(last.clip.frames, model(PROMPT, seed=3).frames) and not last.problem


def test_stopped_within_a_step(model):
    turns = Turns()
    drawing = Drawing(model, Wish(PROMPT, steps=100), turns)
    wait_until(lambda: drawing.state.step >= 2)
    with turns:                                              # between two calls
        step = drawing.state.step
        drawing.stop()
    *_, last = drawing
    assert last.step == step and last.problem == f"Stopped after step {step} of 100." and last.clip is None


def test_nobody_waits_any_more(model):
    turns, wanted = Turns(), [True]
    with turns:
        drawing = Drawing(model, Wish(PROMPT, steps=100), turns, lambda: wanted[0])
        wanted[0] = False
    assert list(drawing)[-1].problem == "Stopped after step 0 of 100."


def test_what_the_model_refuses_is_said(model, monkeypatch):
    def refuse(*args, **kwargs): raise InputError("no such clip.")
    monkeypatch.setattr(type(model), "denoise", refuse)
    assert list(Drawing(model, Wish(PROMPT), Turns()))[-1].problem == "no such clip."


def test_a_mistake_of_ours_ends_one_clip_only(model, monkeypatch, capsys):
    turns = Turns()
    with monkeypatch.context() as patched:
        patched.setattr(play, "read_back", lambda *args: 1 / 0)
        assert "mistake" in list(Drawing(model, Wish(PROMPT, steps=2), turns))[-1].problem
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert list(Drawing(model, Wish(PROMPT, steps=2), turns))[-1].clip is not None


# --- what is read in a clip

def test_a_clip_of_the_world_is_read():
    world, generator = World("tiny"), np.random.default_rng(1)
    config = dict(shape=[3, 8, 32, 32], words=caption_words(), trained=dict(preset="tiny", data=None))
    scene = world.sample(generator, "held-out-combinations")
    verdict = read_back(config, caption(scene), Clip(render(scene)))
    assert all(right for *_, right in verdict.rows) and len(verdict.rows) == 3 and verdict.unseen and "All" in verdict.text
    other = world.sample(generator, combination=next(c for c in world.combinations("seen") if not {*c} & {*vars(scene.actors[0]).values()}))
    verdict = read_back(config, caption(other), Clip(render(scene)))
    assert not any(right for *_, right in verdict.rows) and not verdict.unseen and "Not all" in verdict.text
    verdict = read_back(config, "a purple elephant moving right", Clip(render(scene)))
    assert all(right is None for *_, right in verdict.rows) and "elephant" in verdict.text
    assert "no clean scene" in read_back(config, PROMPT, Clip(np.zeros((8, 32, 32, 3), np.uint8))).text


def caption_words():
    return "a red blue green yellow purple white circle square triangle moving left right up down".split()


def test_a_clip_of_the_full_world_is_read():
    world, generator = World("full"), np.random.default_rng(4)
    config = dict(shape=[3, 16, 64, 64], words=caption_words(), trained=dict(preset="full", data=None))
    drawn = [scene for scene in (world.sample(generator) for _ in range(60)) if not {actor.shape for actor in scene.actors} & {*DIGITS}]
    for n in (1, 2):
        scene = next(scene for scene in drawn if len(scene.actors) == n and scene.said)
        verdict = read_back(config, caption(scene), Clip(render(scene)))
        assert "All that" in verdict.text and all(right for *_, right in verdict.rows) and len(verdict.rows) >= 3


def test_a_clip_that_nobody_can_read_gets_the_known_words(model):
    verdict = read_back(model.config, "a red elephant", model(PROMPT, num_inference_steps=1))
    assert verdict.rows == () and "knows: a, red." in verdict.text and "elephant" in verdict.text


def test_examples(model):
    assert example_prompts(model.config) == []
    assert example_prompts(model.config | dict(captions=["one", "two"])) == [("one", ""), ("two", "")]
    examples = example_prompts(dict(shape=[3, 8, 32, 32], words=["red", "circle"], trained=dict(preset="tiny", data=None)))
    assert any(special for _, special in examples) and not all(special for _, special in examples)


def test_a_model_that_knows_every_caption_has_examples(monkeypatch):
    monkeypatch.setattr(play, "_is_emoji", lambda config: True)
    monkeypatch.setattr(play, "_judge", lambda: (None, ["one", "two"]))
    config = dict(shape=[3, 16, 64, 64], words=["one", "two"], captions=["one", "two"], trained=dict(preset="emoji", data="emoji"))
    assert example_prompts(config) == [("one", ""), ("two", "")]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny", "tiny-gan", "emoji"])
def test_each_shipped_model_plays(name):
    from t2v_learn.training.pipeline import VideoGenerator
    pipeline = VideoGenerator.from_pretrained(name)
    prompt, special = example_prompts(pipeline.config)[-2]
    *_, last = Drawing(pipeline, Wish(prompt), Turns())
    assert last.clip is not None and last.verdict.rows and last.verdict.unseen == bool(special)
    assert "data:image/gif" in state_html(last, Wish(prompt))


# --- as HTML

@pytest.mark.parametrize("text", [NASTY, "<b>", "'\"><svg/onload=x>", "{{constructor}}", "${x}", "`x`", 7, None])
def test_what_is_typed_is_text(text):
    assert not set(escape(text)) & set("<>\"'${}`")


@pytest.mark.parametrize("state", [State(problem=NASTY), State(), State(verdict=Verdict((("a", NASTY, NASTY, None),), NASTY))], ids="abc")
def test_nothing_of_a_prompt_becomes_a_part_of_the_page(state):
    clip = Clip(np.zeros((2, 8, 8, 3), np.uint8))
    if state.verdict: state = State(clip=clip, verdict=state.verdict, noisy=clip, way=((1, clip),))
    page = state_html(state, Wish(NASTY))
    assert not re.search(r"<(script|img src=x)|\$\{|\{\{|onerror=alert\(1\)[^&]*>", page.replace("&gt;", ""))
    assert not re.search(r"(src|href)=\"(?!data:image/(webp|gif);base64,)", page)


# --- visitors

def test_so_many_and_no_more(playground):
    with playground.turns:
        for name in "abc": playground.start(name, PROMPT)
        refused = sentence(playground.start, "d", PROMPT)
        assert "3 clips" in refused and "again" in refused
        playground.start("a", PROMPT)                                # in its own place
        assert set(playground.drawings) == set("abc")
    for drawing in playground.drawings.values(): drawing.thread.join(SECONDS)
    assert playground.start("d", PROMPT, 0, 1)


def test_who_asks_again_stops_the_earlier_clip(playground):
    with playground.turns:
        first = playground.start("a", PROMPT, 0, 100)
        playground.start("a", PROMPT, 0, 1)
    assert list(first)[-1].problem.startswith("Stopped")


def test_a_wrong_wish_stops_nothing(playground):
    with playground.turns:
        first = playground.start("a", PROMPT, 0, 2)
        sentence(playground.start, "a", "", 0, 2)
    assert list(first)[-1].clip is not None


def test_a_visitor_must_listen(playground):
    playground.patience = 0
    assert list(playground.start("a", PROMPT))[-1].problem.startswith("Stopped")
    playground.listening["b"] += 1
    assert list(playground.start("b", PROMPT))[-1].clip is not None
    playground.left("b")
    assert not playground.listening


# --- at the door

def ask(guard, method="GET", path="/", **headers):
    "Status of a request, and whether it came through"
    async def call():
        sent = []
        async def send(message): sent.append(message)
        headers_sent = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
        scope = dict(type="http", method=method, path=path, query_string=b"session_hash=v", headers=headers_sent)
        await guard(scope, None, send)
        return sent
    return asyncio.run(call())


@pytest.fixture
def guard(playground):
    async def app(scope, receive, send):
        app.listening = dict(playground.listening)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b""})
    return Guard(app, playground)


HOST = dict(host="127.0.0.1:7860")


@pytest.mark.parametrize("method, path", [("GET", "/"), ("HEAD", "/"), ("GET", "/assets/a.js"), ("POST", "/gradio_api/queue/join")])
def test_what_the_page_needs_comes_through(guard, method, path):
    sent = ask(guard, method, path, content_length="10", origin="http://127.0.0.1:7860", **HOST)
    assert sent[0]["status"] == 200
    policy = dict(sent[0]["headers"])[b"content-security-policy"].decode()
    assert "default-src 'self'" in policy and "http" not in policy


@pytest.mark.parametrize("method, path", [
    ("GET", "/gradio_api/file=/etc/passwd"), ("GET", "/gradio_api/file=../../etc/passwd"), ("GET", "/assets/../../etc/passwd"),
    ("GET", "/gradio_api/proxy=http://example.org"), ("POST", "/gradio_api/upload"), ("GET", "/monitoring"),
    ("POST", "/gradio_api/run/predict"), ("POST", "/gradio_api/reset"),
    ("POST", "/"), ("PUT", "/"), ("DELETE", "/assets/a.js"), ("GET", "/gradio_api/queue/join"), ("GET", "/docs"), ("POST", "/login"),
    ("GET", "/gradio_api/run-history/records"), ("POST", "/gradio_api/vibe-edit"), ("GET", ""), ("GET", "//"), ("TRACE", "/")])
def test_nothing_else_comes_through(guard, method, path):
    assert ask(guard, method, path, **HOST)[0]["status"] == 404


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "localhost.example.org:7860", "192.168.0.7:7860", "", "[::2]:1",
                                  "127.0.0.1:7860@example.org", "evil/127.0.0.1", "\xff"])
def test_a_foreign_name_is_refused_where_the_page_is_local(guard, host):
    assert ask(guard, host=host)[0]["status"] == 403
    guard.local = False
    assert ask(guard, host=host)[0]["status"] == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:7860", "[::1]:7860"])
def test_names_of_this_machine(guard, host):
    assert ask(guard, host=host)[0]["status"] == 200


@pytest.mark.parametrize("origin", ["http://example.org", "null", "http://127.0.0.1:1", "file://", "https://127.0.0.1:7860.example.org"])
def test_pages_of_other_sites_are_refused(guard, origin):
    assert ask(guard, "POST", "/gradio_api/queue/join", origin=origin, content_length="2", **HOST)[0]["status"] == 403


@pytest.mark.parametrize("headers, status", [(dict(content_length="20001"), 413), (dict(content_length="9" * 99), 413),
                                             (dict(content_length="-1"), 411), (dict(transfer_encoding="chunked"), 411)])
def test_long_requests_are_refused_unread(guard, headers, status):
    assert ask(guard, "POST", "/gradio_api/queue/join", **headers, **HOST)[0]["status"] == status


def test_who_listens_is_known(guard, playground):
    ask(guard, "GET", "/gradio_api/queue/data", **HOST)
    assert guard.app.listening == {"v": 1} and not playground.listening


def test_websockets_are_closed(guard):
    async def call():
        sent = []
        async def send(message): sent.append(message)
        await guard(dict(type="websocket"), None, send)
        return sent
    assert asyncio.run(call()) == [{"type": "websocket.close"}]


# --- start

def test_without_gradio_it_says_what_to_install(t2v, monkeypatch):
    monkeypatch.setattr(play, "find_spec", lambda name: None)
    status, _, lines = t2v("play")
    assert status == 2 and len(lines) == 1 and 'pip install "t2v_learn[play]"' in lines[0]


@gradio
@pytest.mark.parametrize("options, part", [(["--host", "no such host"], "no such host"), (["--host", "203.0.113.7"], "203.0.113.7"),
                                           (["--port", "70000"], "70000"), (["--at-once", "0"], "0 is not"), (["--port", "x"], "--port")])
def test_start_refused(t2v, monkeypatch, options, part):
    monkeypatch.setattr(play, "VideoGenerator", None)          # before a model is loaded
    status, _, lines = t2v("play", *options)
    assert status == 2 and len(lines) == 1 and part in lines[0]


@gradio
def test_a_port_in_use_is_said_before_anything_is_loaded(t2v, monkeypatch):
    monkeypatch.setattr(play, "VideoGenerator", None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, lines = t2v("play", "--port", port)
    assert status == 2 and len(lines) == 1 and f"port {port}" in lines[0] and "--port" in lines[0]


# --- a server, with a small model

class Server:
    "A page of a small model on a free port"
    def __init__(self, playground):
        import uvicorn
        self.playground = playground
        self.test = 0                                            # a visitor is somebody else in each test, as each tab is
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        config = uvicorn.Config(play.make_app(playground, "small"), log_level="critical", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs=dict(sockets=[self.sock]), daemon=True)
        self.thread.start()
        wait_until(lambda: self.server.started)
        events = json.loads(self.get("/config").read())["dependencies"]
        self.generate = next(event["id"] for event in events if len(event["inputs"]) == 4)
        self.halt = next(event["id"] for event in events if not event["inputs"] and event["backend_fn"])

    def name(self, visitor):
        "Of a visitor in this test"
        return f"{visitor.replace(' ', '-')}-{self.test}"

    def get(self, path, **headers):
        return urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers), timeout=SECONDS)

    def post(self, visitor, *data, body=None, event=None, path="/gradio_api/queue/join"):
        "Status of a press of the button"
        asked = dict(data=data, fn_index=self.generate if event is None else event, session_hash=self.name(visitor))
        body = json.dumps(asked).encode() if body is None else body
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, {"content-type": "application/json"})
        try: return urllib.request.urlopen(request, timeout=SECONDS).status
        except urllib.error.HTTPError as error: return error.code

    @contextmanager
    def listen(self, visitor):
        "What the server tells a visitor, event by event"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        connection.request("GET", f"/gradio_api/queue/data?session_hash={self.name(visitor)}")
        response = connection.getresponse()
        end = time.monotonic() + SECONDS
        def events():
            while line := response.readline():                   # at least a sign of life every few seconds
                assert time.monotonic() < end, f"the server has told {visitor} nothing new"
                if line.startswith(b"data: "):
                    news = json.loads(line[6:])
                    if news["msg"] == "close_stream": return
                    yield news
        try: yield events()
        finally:
            response.close()
            connection.close()

    def play(self, visitor, *data):
        "The last words of the server for one clip"
        assert self.post(visitor, *data) == 200
        with self.listen(visitor) as events: return json.dumps(list(events)[-1], ensure_ascii=False)

    def close(self):
        self.playground.stop_all()
        self.server.should_exit = True
        self.thread.join(SECONDS)
        self.sock.close()


@pytest.fixture(scope="module")
def shared_server():
    server = Server(Playground(small_model(), Limits(at_once=3), patience=SECONDS))
    yield server
    server.close()


@pytest.fixture
def server(shared_server):
    shared_server.test += 1
    return shared_server


@gradio
def test_the_page_loads_nothing_from_elsewhere(server):
    page = server.get("/").read().decode()
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=[\"']?(https?:)?//", page)
    policy = server.get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy and server.get("/theme.css").read().count(b"url(http") == 0


@gradio
def test_a_clip_over_the_wire(server):
    said = server.play("a", PROMPT, 0, 4, 1.5)
    assert "Done in" in said and "data:image/gif;base64," in said and "knows: a, red, circle, moving, right." in said


@gradio
def test_three_visitors_at_once(server, monkeypatch):
    "Calls of the network alternate; who asked for little is done first, however much the others asked for"
    calls = []
    predict = type(server.playground.pipeline.denoiser).predict
    def counted(self, *args, **kwargs):
        calls.append(threading.current_thread().name)
        return predict(self, *args, **kwargs)
    monkeypatch.setattr(type(server.playground.pipeline.denoiser), "predict", counted)
    plan = dict(a=40, b=40, c=5)
    with server.playground.turns:                                                # so that all of them wait when it begins
        for name, steps in plan.items(): assert server.post(name, PROMPT, 0, steps, 1) == 200
        wait_until(lambda: len(server.playground.turns.line) == 4)
        drawings = {name: server.playground.drawings[server.name(name)] for name in plan}
    def follow(name):
        with server.listen(name) as events: return list(events)
    threads = [threading.Thread(target=follow, args=[name]) for name in plan]
    for thread in threads: thread.start()
    for thread in threads: thread.join(SECONDS)
    who = {drawing.thread.name: name for name, drawing in drawings.items()}
    order = "".join(who[name] for name in calls)
    assert {name: order.count(name) for name in plan} == plan
    assert set(order[:3]) == set("abc") and order.rindex("c") < 20
    together = order[:order.rindex("a") + 1] if order.rindex("a") < order.rindex("b") else order[:order.rindex("b") + 1]
    assert not re.search(r"(a{3}|b{3})", together), "somebody waits for two calls of one other"


@gradio
def test_the_fourth_is_told_so(server):
    with server.playground.turns:
        for name in "abc": server.post(name, PROMPT, 0, 2, 1)
        wait_until(lambda: len(server.playground.turns.line) == 4)
        assert "3 clips are being drawn" in server.play("d", PROMPT, 0, 2, 1)
    for name in "abc":
        with server.listen(name) as events: assert "Done in" in json.dumps(list(events)[-1])
    assert "Done in" in server.play("d", PROMPT, 0, 2, 1)


@gradio
def test_a_closed_tab_stops_its_clip(server, monkeypatch):
    monkeypatch.setattr(server.playground, "patience", 0)
    with server.playground.turns:
        assert server.post("gone", PROMPT, 0, 100, 1) == 200
        with server.listen("gone") as events: next(events)
        gone = server.name("gone")
        wait_until(lambda: gone in server.playground.drawings and not server.playground.listening[gone])
        drawing = server.playground.drawings[gone]
    assert list(drawing)[-1].problem == "Stopped after step 0 of 100."


@gradio
def test_a_tab_that_is_closed_midway(server, monkeypatch):
    monkeypatch.setattr(server.playground, "patience", 0.2)
    assert server.post("midway", PROMPT, 0, 100, 1) == 200
    with server.listen("midway") as events:
        while "step 3" not in json.dumps(next(events)): pass
        server.playground.turns.__enter__()                       # the network rests while the tab is closed
        drawing = server.playground.drawings[server.name("midway")]
        step = drawing.state.step
    try:
        wait_until(lambda: not server.playground.listening[server.name("midway")])
        time.sleep(0.25)
    finally: server.playground.turns.__exit__()
    assert list(drawing)[-1].problem == f"Stopped after step {step} of 100."


@gradio
def test_stop_stops(server):
    assert server.post("a", PROMPT, 0, 100, 1) == 200
    with server.listen("a") as events:
        while "step 2" not in json.dumps(next(events)): pass
        with server.playground.turns: assert server.post("a", event=server.halt) == 200
        assert any("Stopped after step" in json.dumps(news) for news in events)


BAD_REQUESTS = [[PROMPT, 0, 10**9, 1], [PROMPT, 0, 2, 10**9], [], [PROMPT], [PROMPT] * 9]
BAD_REQUESTS += [[prompt, 0, 2, 1] for prompt in BAD_PROMPTS[1:]]
BAD_REQUESTS += [request for number in BAD_NUMBERS for request in ([PROMPT, number, 2, 1], [PROMPT, 0, number, 1])]


@gradio
@pytest.mark.parametrize("data", BAD_REQUESTS, ids=lambda data: repr(data)[:40])
def test_what_cannot_be_drawn_draws_nothing(server, data):
    "By a request that goes past the page's controls; if it can be understood at all, the answer is a sentence"
    before = set(server.playground.drawings.values())
    status = server.post("bad", *data)
    assert status in (200, 400, 422)
    if status == 200:
        with server.listen("bad") as events: answer = list(events)[-1]
        if len(data) == 4: assert re.search("prompt|choose one", json.dumps(answer), re.I), answer
        assert "Done" not in json.dumps(answer)
    assert set(server.playground.drawings.values()) <= before, "something is being drawn"


@gradio
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"data": 7}', b'{"data": [], "session_hash": "x"}',
                                  b"[" * 5000, b'{"data": ["a"], "fn_index": 999, "session_hash": "x"}',
                                  b'{"fn_index": -1, "session_hash": "x"}',
                                  b'{"data": ["a"], "fn_index": "__import__", "session_hash": 7}'], ids=lambda body: repr(body)[:30])
def test_what_is_no_request_draws_nothing(server, body):
    before = set(server.playground.drawings.values())
    status = server.post("bad", body=body)
    assert 200 <= status <= 500 and set(server.playground.drawings.values()) <= before
    assert "Done in" in server.play("good", PROMPT, 0, 1, 1), "and the page goes on"


@gradio
def test_a_million_characters_are_not_even_read(server):
    connection = HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    connection.putrequest("POST", "/gradio_api/queue/join")
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", str(10**6))
    connection.endheaders()                                      # the answer comes before the first of them is sent
    assert connection.getresponse().status == 413
    connection.close()
    assert "Done in" in server.play("still there", PROMPT, 0, 1, 1)


@gradio
@pytest.mark.parametrize("path", ["/gradio_api/file=/etc/passwd", "/gradio_api/file=settings.ini",
                                  "/assets/..%2f..%2f..%2fgradio%2froutes.py", "/static/%2e%2e/%2e%2e/routes.py",
                                  "/assets/%252e%252e/x", "/file/etc/passwd", "/gradio_api/info"])
def test_no_file_of_this_machine_is_served(server, path):
    with pytest.raises(urllib.error.HTTPError) as refused: server.get(path)
    assert refused.value.code in (403, 404)


@gradio
def test_html_in_a_prompt_comes_back_as_text(server):
    said = server.play("a", NASTY, 0, 1, 1)
    assert "<script>" not in said and "&lt;script&gt;" in said and "${1" not in said


# --- the program, and a browser without a network

@contextmanager
def program(*options):
    "`t2v play` as a program of its own: the process and the address that it printed"
    env = {**os.environ, **offline, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "t2v_learn", "play", "--no-open", "--port", "0", *options]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root)
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield process, re.match(r"(http://\S+) ", line)[1]
    finally:
        process.kill()
        process.communicate()


@gradio
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent otherwise there")
def test_ctrl_c_ends_it_in_the_middle_of_a_clip():
    with program("--host", "0.0.0.0", "--model", "tiny-gan") as (process, url):
        urllib.request.urlopen(url, timeout=SECONDS)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 130 and err.splitlines()[1:] == ["stopped."] and err.startswith("warning: whoever can reach 0.0.0.0")


@gradio
@pytest.mark.slow
def test_in_a_browser_without_a_network(tmp_path):
    from playwright.sync_api import sync_playwright
    browser = find_browser()
    with program() as (process, url), sync_playwright() as playwright:
        cut = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        page = playwright.chromium.launch(executable_path=browser, args=cut).new_page(viewport=dict(width=312, height=640))
        page.set_default_timeout(SECONDS * 1000)
        asked, wrong = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("response", lambda response: wrong.append(response.url) if response.status >= 400 else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.goto(url)
        page.get_by_role("button", name="★ ").first.click()                       # an example that training never showed
        page.wait_for_function("() => document.querySelector('textarea').value === 'a blue circle moving up'")
        page.get_by_label("Prompt").press("Enter")
        page.locator("#t2v-clip .t2v-badge").wait_for()
        assert page.locator("#t2v-clip tbody tr").count() == 3 and "yes" in page.locator("#t2v-clip tbody").inner_text()
        assert page.locator("#t2v-clip img").first.evaluate("image => image.naturalWidth") == 32
        with page.expect_download() as download: page.get_by_role("link", name="Download the GIF").click()
        download.value.save_as(tmp_path / "clip.gif")
        assert (tmp_path / "clip.gif").read_bytes()[:4] == b"GIF8"
        page.get_by_label("Prompt").fill(NASTY)
        page.get_by_role("button", name="Generate").click()
        page.get_by_text("<script>document.title='run'</script>").last.wait_for()
        page.locator("#t2v-clip a.t2v-download").wait_for()
        assert page.title() == "t2v play" and page.locator("#t2v-clip script, #t2v-clip img[src=x]").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than a phone, 390 points at 125 %"
        assert page.locator("#t2v-clip table").evaluate("table => table.getBoundingClientRect().right <= innerWidth")
        assert not wrong and all(address.startswith((url, "data:", "blob:")) for address in asked), (wrong, asked)
