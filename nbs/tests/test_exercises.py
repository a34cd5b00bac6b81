"The exercises: a stub is not solved, its folded solution is, and each check knows wrong answers from right ones"
import pytest
from exercises import checks, lessons, solution, stub, texts, verdict

MENDED = {"31_optimizers", "32_loop", "51_noise", "52_blocks", "53_unet3d", "54_denoiser", "55_sampling", "56_guidance", "57_pipeline",
          "58_editing", "59_recipe", "cli"}                                  # the others follow; none goes back
exercise = pytest.mark.parametrize("stem, number", [pytest.param(stem, n, id=f"{stem}-{n}") for stem in lessons() for n in checks(stem)])


def test_no_lesson_goes_back():
    assert set(lessons()) >= MENDED


@pytest.mark.parametrize("stem", lessons())
def test_three_to_five_exercises_with_their_titles(stem):
    "Numbered from 1, with difficulty, importance and minutes"
    assert 3 <= len(checks(stem)) <= 5
    assert list(checks(stem)) == list(texts(stem)) == list(range(1, len(checks(stem)) + 1))


@exercise
def test_stub_is_not_yet_right(stem, number):
    assert verdict(stem, number, stub(stem, number)).startswith("not yet: ")


@exercise
def test_solution_is_right(stem, number):
    assert verdict(stem, number, solution(stem, number)).startswith("right")


@exercise
def test_lesson_is_stored_unsolved(stem, number):
    "A reader finds the stub's verdict under the check, not somebody's solution"
    stored = "".join(out.get("text", "") for out in checks(stem)[number].outputs)
    assert "not yet: " in stored and "right" not in stored.splitlines()[-1].split()[:1]


# --- the helper itself

def test_an_answer_that_prints_is_judged_by_the_last_line():
    assert verdict("51_noise", 1, solution("51_noise", 1) + "\nprint('not yet: a test')").startswith("right")
