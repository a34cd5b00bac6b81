"The widgets: pure functions draw, each move is seen, what goes wrong is said, and a picture is left for those who run nothing"
import base64
import subprocess
import sys
import threading
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from t2v_learn import explore
from t2v_learn.core import InputError
from t2v_learn.explore import (Explorer, _film, _heat, _verdict, _verdict_table, attention_picture, clips_picture, denoising_path,
                               draw_curve, draw_marks, draw_page, latent_picture, neighbours_picture, noise_picture, pieces_html,
                               read_back, state_picture, stepper_picture)
from t2v_learn.text.word_vectors import WordVectors
from t2v_learn.video.clips import Clip
from t2v_learn.video.world import World, caption, render

widgets = pytest.importorskip("ipywidgets")
SCENE = World("tiny").sample(np.random.default_rng(1))
CLIP = Clip(render(SCENE))
RED, BLACK = np.full((20, 30, 3), (255, 0, 0), np.uint8), np.zeros((10, 50, 3), np.uint8)


def pixels(figure): return np.asarray(figure.convert("RGB"))


def shown(explorer): return bytes(explorer.picture.value), explorer.words.value


def places(control):
    "Values that somebody could give a control"
    if hasattr(control, "options"): return [one[1] if isinstance(one, tuple) else one for one in control.options]
    if isinstance(control.value, bool): return [False, True]
    if isinstance(control.value, str): return ["a crimson disc", "wombats", "円 <b>", ""]
    return [type(control.value)(value) for value in np.arange(control.min, control.max + control.step, control.step)]


def check_every_move(explorer):
    "Each value of each control draws something else than before, and nothing goes wrong; back at the start all is as it was"
    for name, control in explorer.controls.items():
        start, at_first = control.value, shown(explorer)
        for value in places(control):
            if value == control.value: continue
            before = shown(explorer)
            control.value = value
            assert not explorer.error.value, f"{name} = {value}: {explorer.error.value}"
            assert shown(explorer) != before, f"{name} = {value} changes nothing"
        control.value = start
        assert shown(explorer) == at_first, f"{name}: the same place shows another picture"


def check_stored(explorer):
    "What Jupyter stores: the widget, and a picture that can be decoded, with words for those who do not see it"
    bundle, about = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle and bundle["text/plain"] == explorer.alt == about["image/png"]["alt"]
    image = Image.open(BytesIO(base64.b64decode(bundle["image/png"])))
    assert image.format == "PNG" and image.width <= 1000 and len(np.unique(pixels(image).reshape(-1, 3), axis=0)) > 2
    assert len(bundle["image/png"]) < 200_000


# --- drawing

def test_a_page_keeps_every_pixel():
    page = pixels(draw_page([("red", RED), ("", BLACK)]))
    assert page.shape == (20 + 19 + 5 + 10, 50, 3)
    assert (page[19:39, :30] == RED).all() and (page[44:, :50] == BLACK).all() and (page[:19] < 255).any(), "a text stands above"
    across = pixels(draw_page([("", RED), ("", BLACK)], across=True))
    assert across.shape == (20, 30 + 14 + 50, 3) and (across[:, :30] == RED).all()


def test_pixels_are_squares():
    film = _film(CLIP.frames, 3)
    assert film.shape == (96, 8 * 98 - 2, 3) and (film[::3, :96:3] == CLIP.frames[0]).all() and (film[1::3, 1:96:3] == CLIP.frames[0]).all()
    assert (_film(CLIP.tensor(), 3) == film).all()


def test_heat_is_a_scale():
    dark, middle, bright = (_heat(np.full((1, 1), value), 2).mean() for value in (0, .5, 1))
    assert dark < middle < bright
    assert (_heat(np.full((1, 1), 9.), 2) == _heat(np.ones((1, 1)), 2)).all() and _heat(np.zeros((3, 2, 2)), 4).shape == (8, 28, 3)
    assert not np.isnan(_heat(np.zeros((1, 1)), 1, top=0)).any()


@pytest.mark.parametrize("values", [[1.], [2., 2., 2.], [3., -20., 20.]])
def test_a_curve_has_its_dot_where_the_slider_is(values):
    pictures = [pixels(draw_curve(values, at, "log-SNR")) for at in range(len(values))]
    assert all((a != b).any() for a, b in zip(pictures, pictures[1:]))
    assert all(picture.shape == pictures[0].shape and (picture[19:] < 50).all(-1).any() for picture in pictures)


def test_marks_differ_in_colour_and_sign():
    right, wrong, neither = (pixels(draw_marks({"color": [mark]}, 0)) for mark in (True, False, None))
    assert (right != wrong).any() and (wrong != neither).any()
    gray = [picture.mean(-1) for picture in (right, wrong)]                        # as somebody sees it who sees no colours
    assert np.abs(gray[0] - gray[1]).max() > 60


def test_every_drawing_shows_what_it_is_given():
    x, other = CLIP.tensor(), CLIP.tensor().flip(1)
    weights = np.random.default_rng(0).random((8, 4, 4)).astype(np.float32)
    states = torch.randn(8, 20, 8, 8, generator=torch.Generator().manual_seed(0))
    pairs = [(noise_picture(x, [1., 0.], 0), noise_picture(x, [1., 0.], 1)), (noise_picture(x, [1.], 0), noise_picture(x, [1.], 0, other)),
             (stepper_picture(x, x, {"a": [True, False]}, [1., 0.], 0), stepper_picture(x, x, {"a": [True, False]}, [1., 0.], 1)),
             (attention_picture(x, weights, "red"), attention_picture(x, 1 - weights, "red")),
             (clips_picture([CLIP], ["a"]), clips_picture([CLIP], ["b"])),
             (state_picture(x, states, 0, 0), state_picture(x, states, 0, 1)),
             (state_picture(x, states, 0, 0), state_picture(x, states, 1, 0)),
             (latent_picture(x, x, weights[0], 0, 1.), latent_picture(x, other, weights[0], 0, 1.))]
    for one, two in pairs: assert one.size != two.size or (pixels(one) != pixels(two)).any()
    with pytest.raises(ValueError): clips_picture([CLIP], ["a", "b"])


def test_lines_lead_to_neighbours_on_the_map():
    image = Image.new("RGB", (100, 100), "white")
    places = {"red": (20, 20), "blue": (80, 80)}
    drawn = pixels(neighbours_picture(image, places, "red", [("blue", .9), ("unseen", .8)]))
    assert (drawn[50, 50] < 255).any() and (pixels(image) == 255).all(), "the map itself stays as it is"


def test_pieces_are_text_and_never_html():
    html = pieces_html(["<b>", "##ing", "[UNK]"], [1, 22, 333])
    assert "&lt;b&gt;" in html and "<b>" not in html and "333" in html and "3 pieces" in html
    with pytest.raises(ValueError): pieces_html(["a"], [])


# --- reading back

def test_only_what_is_said_is_asked():
    actor = SCENE.actors[0]
    assert [row[3] for row in read_back(CLIP, caption(SCENE))] == [True, True, True]
    assert [row[3] for row in read_back(CLIP, "")] == [None, None, None]
    assert read_back(CLIP, f"a {actor.color} thing")[0] == ("color", actor.color, actor.color, True)
    wrong = "crimson" if actor.color != "red" else "azure"
    assert read_back(CLIP, f"A {wrong} thing!")[0][3] is False, "reserved words count, capitals and marks do not"
    assert read_back(CLIP, "a red and a blue circle")[0][1:] == ("", actor.color, None), "two colours: nobody knows which is meant"


def test_a_clip_that_shows_nothing_follows_nothing():
    rows = read_back(np.zeros((8, 32, 32, 3), np.uint8), "a red circle moving up")
    assert [row[3] for row in rows] == [False] * 3 and _verdict(rows) == "✗ no color, ✗ no shape, ✗ no motion"
    assert "not followed" in _verdict_table(rows) and "unreadable" in _verdict_table(rows)


# --- the skin

def counting(fails=()):
    def draw(n, far=False):
        if n in fails: raise fails[n]
        return Image.fromarray(np.full((10, 10, 3), 20 * n + 5 * far, np.uint8)), f"n is {n}"
    controls = {"n": widgets.IntSlider(max=9, description="n"), "far": widgets.Checkbox(description="far")}
    return Explorer(draw, controls, [{"n": 1}, {"n": 2}], "grey squares")


def test_a_move_gives_the_same_elements_new_values():
    explorer = counting()
    elements = explorer.box.children
    check_every_move(explorer)
    assert explorer.box.children is elements and "n is 0" in explorer.words.value and 'role="status"' in explorer.words.value
    check_stored_size = Image.open(BytesIO(base64.b64decode(explorer._repr_mimebundle_()[0]["image/png"])))
    assert check_stored_size.size == (10, 25), "two states, one below the other"
    assert explorer.controls["n"].value == 0, "the stored picture moves nothing"


@pytest.mark.parametrize("error, sentence", [
    (InputError("three is too much: take two."), "three is too much: take two."),
    (KeyError("x"), "a mistake in this widget, KeyError: &#x27;x&#x27;"), (ValueError("<b>bold</b>"), "&lt;b&gt;bold&lt;/b&gt;"),
    (ZeroDivisionError("division\nby zero"), "ZeroDivisionError: division by zero")])
def test_an_error_in_a_callback_is_said_and_goes(error, sentence):
    explorer = counting({3: error})
    explorer.controls["n"].value = 2
    before = shown(explorer)
    explorer.controls["n"].value = 3
    assert sentence in explorer.error.value and 'role="alert"' in explorer.error.value and "\n" not in explorer.error.value
    assert shown(explorer) == before, "the last good picture stays"
    explorer.controls["n"].value = 4
    assert not explorer.error.value and "n is 4" in explorer.words.value


def test_an_error_at_the_start_stops_the_cell():
    with pytest.raises(ZeroDivisionError): counting({0: ZeroDivisionError()})


def test_an_interrupt_is_not_an_error():
    explorer = counting({3: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt): explorer.controls["n"].value = 3


def test_every_control_says_what_it_is():
    for explorer in (counting(), explore.tokenizer(), explore.noise_slider(CLIP)):
        assert all(control.description for control in explorer.controls.values())


def test_without_ipywidgets_one_sentence_says_how_to_get_it():
    code = "import sys; sys.modules['ipywidgets'] = None\nfrom t2v_learn import explore\n" \
           "try: explore.tokenizer()\nexcept Exception as e: print(type(e).__name__, e)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'InputError widgets need ipywidgets: pip install -e ".[lab]"'


# --- the widgets that need no model

def test_noise_slider():
    check_every_move(slider := explore.noise_slider(CLIP, n_steps=6))
    check_stored(slider)
    assert slider.draw(0)[0].size == slider.draw(6)[0].size


@pytest.mark.parametrize("shape", [(1, 8, 8), (16, 64, 48)])
def test_noise_slider_takes_clips_of_any_size(shape):
    slider = explore.noise_slider(Clip.from_tensor(torch.zeros(3, *shape)), n_steps=2)
    slider.controls["step"].value = 2
    assert not slider.error.value


def test_tokenizer():
    check_every_move(cut := explore.tokenizer())
    check_stored(cut)
    cut.controls["text"].value = "<script>alert(1)</script>"
    assert "<script" not in cut.words.value and cut.picture.layout.display == "none"
    cut.controls["text"].value = "a" * 2000
    assert "2,000 characters" in cut.error.value


def test_word_map():
    chosen = [*"abcdefg"]
    vectors = WordVectors(chosen + ["h"], torch.randn(8, 5, generator=torch.Generator().manual_seed(0)))
    words = explore.word_map(vectors, chosen, {"a": "red"})
    words.controls["n"].max = 7
    for name in chosen: words.controls["word"].value = name
    assert not words.error.value and "nearest to <b>g</b>" in words.words.value
    check_stored(words)
    image, dots = explore._figure_and_places(vectors, chosen, {"a": "red"})
    x, y = map(round, dots["a"])
    assert tuple(image.getpixel((x, y))) == (255, 0, 0), "the dot is where the lines begin"


def test_convlstm_state_of_any_size():
    states = {"h": torch.randn(5, 12, 16, 16, generator=torch.Generator().manual_seed(0))}
    check_every_move(memory := explore.convlstm_state(torch.zeros(3, 5, 16, 16), states))
    assert set(memory.controls) == {"frame", "channel"}, "one kind of state needs no menu"
    check_stored(memory)


# --- those with a shipped model

def test_the_way_is_that_of_the_model():
    tiny = explore._model()
    seen = []
    clip, path, said = denoising_path(tiny, "a red circle moving right", 3, 4, watch=lambda call, x0: seen.append((call, x0.shape)))
    assert (clip.frames == tiny("a red circle moving right", 3, 4).frames).all() and said == ""
    assert [call for call, _ in seen] == [1, 2, 3, 4] and seen[0][1] == (3, 8, 32, 32) and len(path) == 4
    with pytest.raises(InputError, match="the prompt is empty"): denoising_path(tiny, " ")


@pytest.mark.slow
@pytest.mark.parametrize("make", [
    lambda: explore.noise_slider(CLIP, prompt=caption(SCENE), n_steps=5), explore.stepper, explore.word_attention,
    lambda: explore.guidance_sweep(scales=(0., 1., 3.), n=2, steps=3), explore.convlstm_state, explore.autoencoder,
    lambda: explore.interpolation(n=3, steps=3)], ids="noise stepper attention guidance convlstm autoencoder interpolation".split())
def test_each_place_of_each_control(make, one_thread):
    explorer = make()
    check_every_move(explorer)
    check_stored(explorer)


@pytest.fixture
def played(one_thread):
    return explore.playground("a red circle moving right", steps=3)


def generate(played, prompt):
    played.prompt.value = prompt
    played.go.click()
    played.thread.join(60)
    assert not played.thread.is_alive() and played.stop.disabled and not played.go.disabled


def test_playground_reads_back_what_it_drew(played):
    check_stored(played)
    before = shown(played)
    generate(played, "a blue wombat moving up")
    assert shown(played) != before and not played.error.value and played.bar.value == 3
    assert "blue" in played.words.value and "not asked" in played.words.value and "wombat" in played.words.value


def test_playground_says_what_is_wrong_and_goes_on(played):
    generate(played, "  ")
    assert "the prompt is empty" in played.error.value
    generate(played, "<img src=x onerror=alert(1)>")
    assert not played.error.value and "<img" not in played.words.value
    generate(played, "circle " * 2000)
    assert not played.thread.is_alive()


def test_without_cross_attention_no_words_are_shown():
    from t2v_learn.diffusion.denoiser import Denoiser, DenoiserConfig
    from t2v_learn.diffusion.pipeline import TextToVideo
    from t2v_learn.diffusion.unet3d import UNetConfig
    shipped = explore._model()
    denoiser = Denoiser(DenoiserConfig(UNetConfig(cross_attention=(False, False, False))))
    model = TextToVideo(denoiser, shipped.encoder, shipped.config, "cpu", "fp32")
    with pytest.raises(InputError, match="no cross-attention"): explore.word_attention(model=model)


def test_playground_stops(played, monkeypatch):
    reached, go_on = threading.Event(), threading.Event()
    def watch(call, x0):
        reached.set()
        assert go_on.wait(30)
        explore.Playground.watch(played, call, x0)
    monkeypatch.setattr(played, "watch", watch)
    played.go.click()
    assert reached.wait(60) and played.go.disabled and not played.stop.disabled, "while it works, only stop can be pressed"
    played.stop.click()
    go_on.set()
    played.thread.join(60)
    assert "stopped at call" in played.words.value and not played.error.value and not played.go.disabled
    generate(played, "a red circle moving right")
    assert "followed" in played.words.value
